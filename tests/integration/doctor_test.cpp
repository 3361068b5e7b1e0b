// The doctor on this machine: what the engine does with what it finds, and boxes that are tried.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "api/cli/trial.h"
#include "isolate/doctor/gather.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"
#include "tests/support/engine_process.h"
#include "tests/support/tool_process.h"

namespace {

namespace fs = std::filesystem;
using support::EngineProcess;

// A directory that everybody may write, for recipes that nobody should then believe.
struct OpenDirectory {
    support::Scratch scratch;

    OpenDirectory() {
        scratch.path = fs::temp_directory_path() / ("ckopen" + std::to_string(::getpid()));
        fs::create_directories(scratch.path);
        fs::permissions(scratch.path, fs::perms{0777});
    }
    std::string setting() const { return "packages.recipes=" + scratch.path; }
};

std::string shipped_policy() {
    return isolate::program_directory() + "/../share/crankcase/seccomp.policy";
}

config::Settings settings_of_trial() {
    config::Settings settings;
    settings.user = "nobody";
    settings.pool.first_uid = 3'900'000'000U + static_cast<std::uint32_t>(::getpid() % 64) * 65536U;
    return settings;
}

// What the engine says when it does not start.
std::string refusal(const std::vector<std::string>& settings) {
    try {
        const EngineProcess engine{settings};
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "it started";
}

}  // namespace

TEST_CASE("the engine refuses to serve where others may write its recipes, until told by name") {
    const OpenDirectory open;
    const auto said = refusal({open.setting()});
    CHECK(said.find("will not serve on this machine: paths-writable") != std::string::npos);
    CHECK(said.find("doctor.override = [\"paths-writable\"]") != std::string::npos);
    CHECK(refusal({open.setting(), "doctor.override=core-pattern"}).find("will not serve") !=
          std::string::npos);

    EngineProcess engine({open.setting(), "doctor.override=paths-writable"});
    CHECK(engine.run("bash", "echo served")["run"]["stdout"] == "served\n");
    CHECK(engine.wait_for_log("doctor_overridden", 1));
}

TEST_CASE("an override that means nothing is refused with the settings' own exit code") {
    const auto said = refusal({"doctor.override=core-patern"});
    CHECK(said.find("core-patern, which is no finding") != std::string::npos);
}

TEST_CASE("a box as it is shipped passes its self-test, and its memory limit kills") {
    const auto result = cli::try_boxes(settings_of_trial(), {}, shipped_policy());
    CHECK(result.self_test == "");
    CHECK(result.memory_kill == "");
}

TEST_CASE("a runner whose filter lets too much through serves nobody, and says what") {
    struct Row {
        std::string name, policy_line, replacement, expected;
    };
    const Row rows[] = {
        {"io_uring", "ENOSYS io_uring_setup#425 io_uring_enter#426",
         "allow io_uring_setup#425\nENOSYS io_uring_enter#426", "is not refused: io_uring_setup"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto policy = sys::read_file(shipped_policy());
        const auto at = policy.find(row.policy_line);
        REQUIRE(at != std::string::npos);
        policy.replace(at, row.policy_line.size(), row.replacement);
        support::Scratch scratch;
        scratch.path = fs::temp_directory_path() / ("ckpolicy" + std::to_string(::getpid()));
        std::ofstream(scratch.path) << policy;
        const auto result = cli::try_boxes(settings_of_trial(), {}, scratch.path);
        REQUIRE(result.self_test.has_value());
        CHECK(result.self_test->find(row.expected) != std::string::npos);
        CHECK_FALSE(result.memory_kill.has_value());
    }
}

TEST_CASE("what a killed engine left is listed, and removed when that is asked for") {
    support::Scratch scratch;
    const auto instance = "ckleft" + std::to_string(::getpid());
    scratch.path = fs::temp_directory_path() / instance;
    fs::create_directories(scratch.path);
    std::vector<std::string> groups;
    for (const auto& hierarchy : doctor::parse_hierarchies(sys::read_file("/proc/self/mountinfo")))
        groups.push_back(hierarchy.mount_point + "/" + instance);
    REQUIRE(!groups.empty());
    for (const auto& group : groups) fs::create_directories(group + "/r0/job");
    const auto doctor = [&](std::vector<std::string> options) {
        std::vector<std::string> words{"doctor", "--json", "--brief"};
        for (const auto& setting : {"instance=" + instance, std::string{"user=nobody"},
                                    "paths.run_directory=" + scratch.path + "/run",
                                    "paths.data_directory=" + scratch.path + "/data"})
            words.insert(words.end(), {"--set", setting});
        words.insert(words.end(), options.begin(), options.end());
        return nlohmann::json::parse(support::run_tool(words).out);
    };
    const auto is_left = [](const nlohmann::json& finding) {
        return finding["name"] == "left-overs";
    };
    const auto before = doctor({});
    CHECK(std::ranges::count_if(before["findings"], is_left) == 1);
    const auto after = doctor({"--fix"});
    CHECK(after["removed"].size() == groups.size());
    CHECK(std::ranges::count_if(after["findings"], is_left) == 0);
    for (const auto& group : groups) CHECK_FALSE(fs::exists(group));
}

TEST_CASE("the keeper says the version of its LXC library, and nobody else is asked") {
    const auto version = isolate::lxc_version_of(isolate::program_directory());
    CAPTURE(version);
    CHECK(version.find_first_of("0123456789") == 0);
    CHECK(version.find('.') != std::string::npos);
    CHECK(isolate::lxc_version_of("/nowhere").empty());
}
