#include "tests/support/hostile_case.h"

#include "tests/support/census.h"
#include "tests/support/control.h"

namespace support {

namespace {

std::string language_of(const std::string& program) {
    if (program.ends_with(".py")) return "python";
    if (program.ends_with(".cpp")) return "c++";
    return program.ends_with(".c") ? "c" : "bash";
}

Json run_program(const std::string& program, const Json& request) {
    auto all = Json{{"args", Json::array({std::to_string(arena().port())})}};
    all.update(request);
    return arena().run(language_of(program), hostile_program(program), all);
}

std::string compare(const Expected& expected, const Json& answer) {
    if (!answer.contains(expected.stage)) return "no stage " + expected.stage;
    const auto& stage = answer[expected.stage];
    std::string wrong;
    const auto is = [&](const char* key, const Json& wanted) {
        if (stage[key] != wanted) wrong += std::string{key} + " is not " + wanted.dump() + "\n";
    };
    const auto text_or_null = [](const std::string& text) {
        return text.empty() ? Json{} : Json(text);
    };
    if (expected.or_status.empty() || stage["status"] != expected.or_status)
        is("status", text_or_null(expected.status));
    is("signal", text_or_null(expected.signal));
    if (expected.code) is("code", *expected.code);
    const auto said = stage["stdout"].get<std::string>() + stage["stderr"].get<std::string>();
    if (said.find(expected.says) == std::string::npos) wrong += "not said: " + expected.says + "\n";
    if (said.find("BREACH") != std::string::npos) wrong += "a breach\n";
    if (expected.also && !expected.also(stage)) wrong += "not as it should be\n";
    return wrong.empty() ? "" : wrong + answer.dump().substr(0, 4000);
}

// Between two jobs the one runner is always the same one or its like.
std::string next_job() {
    const auto answer = arena().run("bash", "echo next");
    return answer["run"]["stdout"] == "next\n" ? "" : "the next job fails: " + answer.dump();
}

}  // namespace

const EngineProcess& arena() {
    static const EngineProcess shared{{
        "pool.runners=1",
        "admission.concurrent_jobs=1",
        "limits.run.wall_time=15s",
        "limits.run.cpu_time=15s",
        "limits.run.memory=96MiB",
        "limits.run.disk=40MiB",
        "limits.run.disk_entries=500",
        "limits.run.output=200000",
        "limits.run.open_files=64",
        "limits.compile.wall_time=30s",
        "limits.compile.cpu_time=30s",
    }};
    return shared;
}

std::string complaints_in_the_box(const HostileCase& row) {
    next_job();  // the engine has seen one of everything that it keeps
    const auto before = settled_census(arena(), 1);
    std::string wrong;
    auto answer = run_program(row.program, row.request);
    if (!row.then.empty()) {
        const auto& first = answer["run"];
        if (!first["status"].is_null()) wrong += "the first job fails: " + first.dump() + "\n";
        answer = run_program(row.then, Json::object());
    }
    wrong += compare(row.expected, answer);
    wrong += changes_since(before, arena());
    return wrong + next_job();
}

std::string complaints_of_the_control(const HostileCase& row) {
    std::vector<std::string> programs{row.program};
    if (!row.then.empty()) programs.push_back(row.then);
    const auto result =
        run_control({.without = row.held_by, .programs = programs, .port = arena().port()});
    if (result.code != 0)
        return "the control fails with " + std::to_string(result.code) + ": " +
               result.said.substr(0, 4000);
    return result.breached()
               ? ""
               : "no breach without " + row.held_by + ": " + result.said.substr(0, 4000);
}

}  // namespace support
