#include "engine/command.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace engine {

namespace {

std::vector<std::string> code_files(const Job& job) {
    std::vector<std::string> names;
    for (const auto& file : job.files) {
        if (file.is_code) names.push_back(file.name);
    }
    return names;
}

void append(std::vector<std::string>& argv, const std::vector<std::string>& more) {
    argv.insert(argv.end(), more.begin(), more.end());
}

// The share of its memory that a runtime may give to a heap of its own: the rest is for its code,
// its stacks and what it reads.
std::optional<std::string> with_heap(std::string element, config::Bytes memory) {
    constexpr std::string_view placeholder = "{heap}";
    const auto at = element.find(placeholder);
    if (at == std::string::npos) return element;
    if (memory == config::unlimited_bytes) return std::nullopt;
    return element.replace(at, placeholder.size(), std::to_string(memory.count / 3 * 2));
}

std::vector<std::string> fill_in(const packages::Script& script, const Job& job,
                                 config::Bytes memory) {
    std::vector<std::string> argv;
    for (const auto& element : script.argv) {
        if (element == "{main}") {
            argv.push_back(main_file(job));
        } else if (element == "{files}") {
            append(argv, code_files(job));
        } else if (element == "{args}") {
            append(argv, job.arguments);
        } else if (auto filled = with_heap(element, memory)) {
            argv.push_back(std::move(*filled));
        }
    }
    return argv;
}

std::vector<std::string> call_script(const Job& job, Stage stage) {
    std::vector<std::string> argv;
    if (stage == Stage::compile) {
        argv = {"/box/compile"};
        append(argv, code_files(job));
    } else {
        argv = {"/box/run", main_file(job)};
        append(argv, job.arguments);
    }
    return argv;
}

// Contract section 5.2: a later value of the same name wins, as it would for a shell that sets them
// in turn.
std::vector<std::string> environment_of(const Job& job, const config::Limits& limits,
                                        bool on_terminal) {
    std::vector<std::string> environment{"LIBC_FATAL_STDERR_=1", "HOME=/tmp"};
    if (on_terminal) environment.emplace_back("TERM=xterm-256color");
    for (const auto& variable : job.runtime->environment) {
        const auto name = variable.substr(0, variable.find('=') + 1);
        std::erase_if(environment, [&](const auto& earlier) { return earlier.starts_with(name); });
        if (variable.size() > name.size()) environment.push_back(variable);
    }
    environment.push_back("PISTON_LANGUAGE=" + job.runtime->language);
    if (limits.memory != config::unlimited_bytes) {
        // For runtimes that size themselves by the machine they see, such as the JVM.
        environment.push_back("CRANKCASE_MEMORY_LIMIT=" + std::to_string(limits.memory.count));
    }
    return environment;
}

}  // namespace

Stage first_stage(const Job& job) {
    return job.runtime->compiled() ? Stage::compile : Stage::run;
}

const packages::Script& script_of(const Job& job, Stage stage) {
    return stage == Stage::compile ? job.runtime->compile.value() : job.runtime->run;
}

bool needs_shell(const Job& job, Stage stage) {
    const auto& script = script_of(job, stage);
    if (script.text.empty() || script.argv.empty()) return !script.text.empty();
    return code_files(job).size() > 1;
}

isolate::Command command_of(const Job& job, Stage stage) {
    const auto& script = script_of(job, stage);
    const auto& limits = stage == Stage::compile ? job.limits.compile : job.limits.run;
    const auto terminal = stage == Stage::run ? job.terminal : std::nullopt;
    return {
        .argv =
            needs_shell(job, stage) ? call_script(job, stage) : fill_in(script, job, limits.memory),
        .environment = environment_of(job, limits, terminal.has_value()),
        .limits = limits,
        .layers = job.runtime->layers ? *job.runtime->layers : std::vector<std::string>{},
        .terminal = terminal,
    };
}

isolate::Command warm_command_of(const Job& job) {
    const auto stage = first_stage(job);
    auto command = command_of(job, stage);
    auto variable = script_of(job, stage).warm.primed_by;
    constexpr std::string_view placeholder = "{prime}";
    const auto at = variable.find(placeholder);
    if (at == std::string::npos) return command;
    variable.replace(at, placeholder.size(), "/box/" + std::string{prime_name});
    isolate::give(command, variable);
    return command;
}

isolate::BoxSize box_size(const Job& job) {
    const auto& run = job.limits.run;
    const auto& compile = job.runtime->compiled() ? job.limits.compile : run;
    const auto memory = std::min(compile.memory, run.memory).count;
    return {{std::min(std::max(compile.disk, run.disk).count, memory - memory / 4)},
            std::max(compile.disk_entries, run.disk_entries)};
}

isolate::BoxSize run_box_size(const Job& job) {
    const auto& run = job.limits.run;
    const auto memory = run.memory.count;
    return {{std::min(std::max(job.limits.compile.disk, run.disk).count, memory - memory / 4)},
            std::max(job.limits.compile.disk_entries, run.disk_entries)};
}

std::string script_text(const packages::Script& script) {
    return script.text.starts_with("#!") ? script.text : "#!/bin/sh\n" + script.text;
}

std::string main_file(const Job& job) {
    const auto main = std::find_if(job.files.begin(), job.files.end(),
                                   [](const auto& file) { return file.is_code; });
    return main == job.files.end() ? std::string{} : main->name;
}

std::string argument_lines(const Job& job) {
    std::string lines;
    for (const auto& argument : job.arguments) lines += argument + '\n';
    return lines;
}

}  // namespace engine
