#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include "config/knobs.h"
#include "config/settings.h"
#include "tests/support/mutation.h"

namespace {

using namespace config;
using namespace config::literals;
using namespace std::literals;

// A settings file for one test.
class SettingsFile {
public:
    explicit SettingsFile(std::string_view text = "") { write(text); }
    ~SettingsFile() { std::filesystem::remove(path_); }
    SettingsFile(const SettingsFile&) = delete;
    SettingsFile& operator=(const SettingsFile&) = delete;

    void write(std::string_view text) const {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
    }
    const std::string& path() const { return path_; }
    Loaded load() const { return config::load({.file = path_}); }

private:
    // In memory: a disk is told of each of ten thousand (auto_da_alloc in man 5 ext4).
    const std::string path_ = "/dev/shm/crankcase-settings-" + std::to_string(::getpid()) + ".toml";
};

std::string shipped_path() {
    return std::filesystem::path(__FILE__).parent_path() / "../../config/crankcase.toml";
}

std::vector<std::string> lines_of(const std::string& path) {
    auto lines = std::vector<std::string>{""};  // so that line numbers are indexes
    auto in = std::ifstream(path);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

TEST_CASE("the shipped file says the defaults") {
    const auto loaded = load({.file = shipped_path(), .file_must_exist = true});
    CHECK(loaded.settings == Settings{});
    CHECK(loaded.notes.empty());
}

TEST_CASE("the shipped file holds every knob once, in the order of the table, with its meaning") {
    const auto loaded = load({.file = shipped_path(), .file_must_exist = true});
    const auto lines = lines_of(shipped_path());
    CHECK(loaded.shown.size() == all_knobs().size());

    auto previous = std::size_t{0};
    for (const auto& row : loaded.shown) {
        CAPTURE(row.key);
        REQUIRE(row.origin.starts_with(shipped_path() + ":"));
        const auto line = std::stoul(row.origin.substr(shipped_path().size() + 1));
        CHECK(line > previous);

        const auto name = row.key.substr(row.key.rfind('.') + 1);
        CHECK(lines.at(line).starts_with(name + " = "));
        auto comment = line;
        while (lines.at(comment - 1).starts_with("# ")) --comment;
        CHECK(lines.at(comment) == "# " + row.help + ".");
        previous = line;
    }
}

TEST_CASE("a file sets any kind of value, and the origin has its line") {
    const auto file = SettingsFile(R"(log_level = "debug"
[server]
listen = "[::1]:80"
body_limit = 65536
idle_timeout = 1500
[limits.run]
wall_time = "2m"
processes = "unlimited"
memory = -1
[limits.overrides."csharp.net"]
run_timeout = -1
)");
    const auto loaded = file.load();
    CHECK(loaded.settings.log_level == LogLevel::debug);
    CHECK(loaded.settings.server.listen == "[::1]:80");
    CHECK(loaded.settings.server.body_limit == 64_KiB);
    CHECK(loaded.settings.server.idle_timeout == Milliseconds{1500});
    CHECK(loaded.settings.limits.run.wall_time == Milliseconds{120'000});
    CHECK(loaded.settings.limits.run.processes == unlimited_count);
    CHECK(loaded.settings.limits.run.memory == unlimited_bytes);
    CHECK(loaded.settings.limit_overrides.at("csharp.net") == LimitOverrides{{"run_timeout", -1}});
    CHECK(loaded.shown.front().origin == "default");
    CHECK(loaded.shown.back().origin == file.path() + ":11");
}

TEST_CASE("a list stands in brackets, or as one text with commas") {
    struct Row {
        std::string name;
        std::string text;
        std::vector<std::string> expected;
    };
    const Row rows[] = {
        {"in brackets", R"(["10.0.0.0/8", "::1"])", {"10.0.0.0/8", "::1"}},
        {"with commas", R"("10.0.0.0/8,  ::1")", {"10.0.0.0/8", "::1"}},
        {"nothing in brackets", "[]", {}},
        {"no text", R"("")", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto file = SettingsFile("server.trusted_proxies = " + row.text);
        CHECK(file.load().settings.server.trusted_proxies == row.expected);
    }
}

TEST_CASE("a flag outranks our variable, that Piston's, that the file, that the default") {
    const auto file = SettingsFile("server.listen = \"file:1\"\nlog_level = \"debug\"");
    auto variables = std::map<std::string, std::string>{};
    auto sources = Sources{.file = file.path()};
    sources.variable = [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    const auto listen = [&] { return load(sources).settings.server.listen; };

    CHECK(load({}).settings.server.listen == "127.0.0.1:2000");
    CHECK(listen() == "file:1");
    variables["PISTON_BIND_ADDRESS"] = "piston:1";
    CHECK(listen() == "piston:1");
    variables["CRANKCASE_SERVER_LISTEN"] = "environment:1";
    CHECK(listen() == "environment:1");
    sources.flags = {{"server.listen", "flag:1"}};
    CHECK(listen() == "flag:1");
    CHECK(load(sources).settings.log_level == LogLevel::debug);
}

TEST_CASE("a mistake in the file is refused even where a flag outranks it") {
    const auto file = SettingsFile("server.io_threads = 0");
    CHECK_THROWS_AS(load({.file = file.path(), .flags = {{"server.io_threads", "1"}}}),
                    SettingsError);
}

TEST_CASE("a file is refused with the line of the mistake") {
    struct Row {
        std::string name;
        const char* text;
        const char* expected;
    };
    const Row rows[] = {
        {"no TOML", "\nlisten = ", ":2: this is not TOML: "},
        {"a key twice", "user = \"a\"\nuser = \"b\"", ":2: this is not TOML: "},
        {"unknown key", "\n\n[server]\nlisen = 1", ":4: there is no setting \"server.lisen\""},
        {"unknown section", "[sever]", ":1: there is no setting \"sever\""},
        {"a dot in quotes", "\"server.listen\" = \"a:1\"", ":1: there is no setting"},
        {"a value for a section", "server = 1", ":1: \"server\" is a section, not a value"},
        {"a list of sections", "[[server]]", ":1: \"server\" is a section, not a value"},
        {"a section for a value", "[server.listen]", ":1: server.listen needs host:port"},
        {"a number for text", "[server]\nlisten = 2000", ":2: server.listen needs host:port"},
        {"text for a number", "[server]\nio_threads = \"1\"",
         ":2: server.io_threads needs a whole number from 1 to 64, without quotes"},
        {"a fraction", "[server]\nio_threads = 1.0", ":2: server.io_threads needs"},
        {"a boolean for a size", "[server]\nbody_limit = true", ":2: server.body_limit needs"},
        {"a list for a time", "[server]\nbody_timeout = [1]", ":2: server.body_timeout needs"},
        {"a time of day", "[server]\nbody_timeout = 07:32:00", ":2: server.body_timeout needs"},
        {"out of range", "[pool]\nrunners = 0", ":2: pool.runners cannot be \"0\""},
        {"unlimited threads", "[server]\nio_threads = \"unlimited\"",
         ":2: server.io_threads cannot be \"unlimited\""},
        {"an unknown limit", "[limits.overrides.c]\ntimeout = 1",
         ":2: there is no setting \"limits.overrides.c.timeout\""},
        {"a limit of no language", "[limits.overrides]\nrun_timeout = 1",
         ":2: \"limits.overrides.run_timeout\" is a section, not a value"},
        {"a dot without quotes", "[limits.overrides.csharp.net]\nrun_timeout = 1",
         "language with a dot needs quotes"},
        {"a number in a list", "server.cors_origins = [1]",
         ":1: server.cors_origins needs origins"},
        {"a comma in a list", "server.cors_origins = [\"*,*\"]", ":1: server.cors_origins needs"},
        {"a page for an origin", "server.cors_origins = [\"https://a/b\"]",
         ":1: server.cors_origins cannot be"},
        {"a name for a network", "server.trusted_proxies = \"proxy\"",
         ":1: server.trusted_proxies cannot be"},
        {"a limit in quotes", "[limits.overrides.c]\nrun_timeout = \"1\"",
         ":2: limits.overrides.c.run_timeout needs a whole number, without quotes"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto file = SettingsFile(row.text);
        CHECK_THROWS_WITH_AS(file.load(), doctest::Contains(row.expected), SettingsError);
        CHECK_THROWS_WITH_AS(file.load(), doctest::Contains(file.path().c_str()), SettingsError);
    }
}

TEST_CASE("a missing file is only refused if it must exist, a directory always") {
    CHECK(load({.file = "/nowhere/crankcase.toml"}).settings == Settings{});
    CHECK_THROWS_WITH_AS(load({.file = "/nowhere/crankcase.toml", .file_must_exist = true}),
                         "/nowhere/crankcase.toml: cannot be read: No such file or directory",
                         SettingsError);
    CHECK_THROWS_AS(load({.file = "/"}), SettingsError);
    CHECK(SettingsFile("").load().settings == Settings{});
}

constexpr auto telling = "[]{}=\".,#\n\t\\'-+_0123456789eExtrue:TZ\0\x80\xff\xc3"sv;

TEST_CASE("a damaged file is read or refused, and nothing else happens") {
    // Without the comments, which would take most of the damage.
    auto text = std::string{};
    for (const auto& line : lines_of(shipped_path())) {
        if (!line.starts_with("#") && !line.empty()) text += line + "\n";
    }
    text += "[limits.overrides.\"csharp.net\"]\nrun_timeout = 5000\n";

    auto random = std::mt19937(20'000);
    const auto file = SettingsFile();
    int refused = 0;
    for (int round = 0; round < 10'000; ++round) {
        file.write(support::mutated(text, telling, random));
        try {
            file.load();
        } catch (const SettingsError&) {
            ++refused;
        }
    }
    CHECK(refused > 0);
    CHECK(refused < 10'000);
}

}  // namespace
