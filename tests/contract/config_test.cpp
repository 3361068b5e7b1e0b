// The configuration as an operator meets it (contract section 7): the programs themselves, what
// they print and how they end. Each source of values is tried in tests/unit/config_*.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"

namespace {

using Words = std::vector<std::string>;
namespace fs = std::filesystem;

struct Said {
    int code = -1;
    std::string out, err;
};

std::vector<char*> pointers(Words& words) {
    std::vector<char*> result;
    for (auto& word : words) result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

// Runs a program of ours to its end, with this environment and no other.
Said run(Words line, Words environment = {}) {
    const std::string base =
        fs::temp_directory_path() / ("crankcase-config-" + std::to_string(::getpid()));
    line.front() = isolate::program_directory() + "/" + line.front();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    constexpr int fresh = O_WRONLY | O_CREAT | O_TRUNC;
    const auto out = base + ".out", err = base + ".err";
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), fresh, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), fresh, 0600);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, line.front().c_str(), &actions, nullptr,
                                    pointers(line).data(), pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    REQUIRE(error == 0);
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    Said said{WEXITSTATUS(status), sys::read_file(out), sys::read_file(err)};
    fs::remove(out);
    fs::remove(err);
    return said;
}

struct File {
    const std::string path;

    explicit File(const std::string& text) : path(next_path()) { std::ofstream(path) << text; }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { fs::remove(path); }

    static std::string next_path() {
        static int files = 0;
        return fs::temp_directory_path() / ("crankcase-config-" + std::to_string(::getpid()) + "-" +
                                            std::to_string(files++) + ".toml");
    }
};

}  // namespace

TEST_CASE(
    "7: a variable of Piston's that is refused ends the daemon with Piston's words and code") {
    struct Row {
        std::string name, variable, text;
    };
    const Row rows[] = {
        {"no number", "PISTON_RUN_TIMEOUT=abc",
         "Config option run_timeout failed validation: abc is not a number"},
        {"no level", "PISTON_LOG_LEVEL=x",
         "Config option log_level failed validation: Log level x does not exist"},
        {"no directory", "PISTON_DATA_DIRECTORY=/no/such",
         "Config option data_directory failed validation: Directory /no/such does not exist"},
        {"no jobs", "PISTON_MAX_CONCURRENT_JOBS=-1",
         "Config option max_concurrent_jobs failed validation: -1 cannot be negative"},
        {"no overrides", "PISTON_LIMIT_OVERRIDES={",
         "Config option limit_overrides failed validation: Failed to parse the overrides"},
        {"no such override", R"(PISTON_LIMIT_OVERRIDES={"c":{"x":1}})",
         "Config option limit_overrides failed validation: Failed to parse the overrides"},
        {"an override that is no number", R"(PISTON_LIMIT_OVERRIDES={"c":{"run_timeout":"x"}})",
         "Config option limit_overrides failed validation: In overridden option run_timeout for c, "
         "x is not a number"},
        // differs: Piston fails when it listens.
        {"no address", "PISTON_BIND_ADDRESS=x",
         "Config option bind_address failed validation: server.listen cannot be"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto said = run({"crankcased"}, {row.variable});
        CHECK(said.code == 1);
        CHECK(said.err.find(row.text) != std::string::npos);
    }
}

TEST_CASE("a setting of our own that is refused ends the daemon with the place and 78") {
    const File file("\nserver.listen = 5\n");
    const auto said = run({"crankcased", "--config", file.path, "--check-config"});
    CHECK(said.code == 78);
    CHECK(said.err.find(file.path + ":2: server.listen needs host:port") != std::string::npos);
}

TEST_CASE("config show tells each value and where it comes from, as the daemon would have it") {
    const File file("log_level = \"warn\"\npackages.token = \"abcdefghijklmnopqrstuvwxyz\"\n");
    const Words environment{"CRANKCASE_POOL_RUNNERS=9", "PISTON_RUN_TIMEOUT=1234"};
    const Words flags{"--config", file.path, "--set", "user=nobody", "--listen", "127.0.0.1:21499"};
    auto ours = Words{"crankcase", "config", "show"};
    ours.insert(ours.end(), flags.begin(), flags.end());
    auto daemons = Words{"crankcased", "--show-config"};
    daemons.insert(daemons.end(), flags.begin(), flags.end());

    const auto shown = run(ours, environment);
    CHECK(shown.code == 0);
    CHECK(shown.out == run(daemons, environment).out);
    CHECK(shown.out.find("abcdefghij") == std::string::npos);

    ours.push_back("--json");
    const auto list = nlohmann::json::parse(run(ours, environment).out);
    const auto row_of = [&](const std::string& key) {
        for (const auto& row : list) {
            if (row["key"] == key) return row;
        }
        return nlohmann::json();
    };
    struct Row {
        std::string key, value, origin;
        bool reloadable;
    };
    const Row rows[] = {
        {"log_level", "warn", file.path + ":1", true},
        {"packages.token", "(set)", file.path + ":2", true},
        {"pool.runners", "9", "environment CRANKCASE_POOL_RUNNERS", false},
        {"limits.run.wall_time", "1234ms", "environment PISTON_RUN_TIMEOUT", true},
        {"server.listen", "127.0.0.1:21499", "flag --set server.listen", false},
        {"user", "nobody", "flag --set user", false},
        {"instance", "crankcase", "default", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.key);
        const auto found = row_of(row.key);
        CHECK(found["value"] == row.value);
        CHECK(found["origin"] == row.origin);
        CHECK(found["reloadable"] == row.reloadable);
    }
}

TEST_CASE("config show takes a key or a section, and knows what is none") {
    CHECK(run({"crankcase", "config", "show", "server.listen"}).out.starts_with("server.listen "));
    CHECK(run({"crankcase", "config", "show", "facade"}).out.starts_with("facade.cors_origins "));
    const auto unknown = run({"crankcase", "config", "show", "nothing"});
    CHECK(unknown.code == 3);
    CHECK(unknown.err.find("there is no setting nothing") != std::string::npos);
}

TEST_CASE("config check says that a file is good, or what is wrong with it") {
    const File good("log_level = \"warn\"\n");
    CHECK(run({"crankcase", "config", "check", good.path}).code == 0);
    const File bad("log_level = \"loud\"\n");
    const auto said = run({"crankcase", "config", "check", bad.path});
    CHECK(said.code == 2);
    CHECK(said.err.find(bad.path + ":1: log_level cannot be \"loud\"") != std::string::npos);
    CHECK(run({"crankcase", "config", "check", "/no/such/file"}).code == 2);
}

TEST_CASE("a machine on which nobody should run programs ends the daemon with the finding and 78") {
    const File file("");
    const auto place = file.path + ".d";
    const Words words{"crankcased",
                      "--set",
                      "user=nobody",
                      "--set",
                      "paths.run_directory=" + place + "/run",
                      "--set",
                      "paths.data_directory=" + place + "/data",
                      "--listen",
                      "0.0.0.0:0"};
    const auto said = run(words);
    CHECK(said.code == 78);
    CHECK(said.err.find("will not serve on this machine: listen-open") != std::string::npos);
    auto mistaken = words;
    mistaken.insert(mistaken.end(), {"--set", "doctor.override=listen-opn"});
    const auto corrected = run(mistaken);
    CHECK(corrected.code == 78);
    CHECK(corrected.err.find("listen-opn, which is no finding") != std::string::npos);
    std::filesystem::remove_all(place);
}
