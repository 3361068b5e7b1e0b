#include "engine/compile_key.h"

#include <doctest/doctest.h>

#include <functional>
#include <set>

using engine::compile_key;
using engine::Job;
using engine::looks_further;

namespace {

struct Setting {
    engine::Runtime runtime{
        .language = "c",
        .version = "12.2.0",
        .aliases = {},
        .package = {},
        .compile = packages::Script{.argv = {"/usr/bin/gcc", "{main}", "-o", "a.out"},
                                    .text = "exec gcc \"$@\"\n",
                                    .cache_unless = std::vector<std::string>{"clock"}},
        .run = {.argv = {"./a.out", "{args}"}},
        .environment = {"PATH=/usr/bin"},
        .limits = {},
        .program = "/usr/bin/gcc"};
    Job job;
    std::string toolchain = "gcc of today";
    std::string machine = "a processor";

    Setting() { job.files = {{.name = "main.c", .content = "int main(void) {}"}}; }

    std::optional<engine::CompileKey> key() {
        job.runtime = std::make_shared<const engine::Runtime>(runtime);
        return compile_key(job, toolchain, machine);
    }
};

}  // namespace

TEST_CASE("two jobs that compile the same have one key, whatever else they want") {
    struct Row {
        const char* name;
        std::function<void(Setting&)> change;
    };
    const Row rows[] = {
        {"another job", [](Setting& s) { s.job.id = "another"; }},
        {"another input", [](Setting& s) { s.job.stdin_text = "input"; }},
        {"other arguments",
         [](Setting& s) {
             s.job.arguments = {"1", "2"};
         }},
        {"another address", [](Setting& s) { s.job.asker.client = "192.0.2.1"; }},
        {"a terminal", [](Setting& s) { s.job.terminal.emplace(); }},
        {"more time to run", [](Setting& s) { s.job.limits.run.wall_time *= 2; }},
        {"an alias more", [](Setting& s) { s.runtime.aliases = {"gcc"}; }},
    };
    const auto usual = Setting{}.key();
    REQUIRE(usual);
    CHECK(usual->size() == 64);
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Setting setting;
        row.change(setting);
        CHECK(setting.key() == usual);
    }
}

TEST_CASE("whatever a compile stage can see makes another key") {
    struct Row {
        const char* name;
        std::function<void(Setting&)> change;
    };
    const Row rows[] = {
        {"a byte", [](Setting& s) { s.job.files[0].content += ' '; }},
        {"a name", [](Setting& s) { s.job.files[0].name = "main.C"; }},
        {"a file more", [](Setting& s) { s.job.files.push_back({.name = "a.h", .content = ""}); }},
        {"data beside it",
         [](Setting& s) {
             s.job.files.push_back({.name = "a.h", .content = "", .is_code = false});
         }},
        {"a byte of the name in the content",
         [](Setting& s) { s.job.files[0] = {.name = "main.ci", .content = "nt main(void) {}"}; }},
        {"another key of a client", [](Setting& s) { s.job.asker.key = "alice"; }},
        {"another compiler of that name", [](Setting& s) { s.toolchain += "'s upgrade"; }},
        {"another machine", [](Setting& s) { s.machine = "another"; }},
        {"another flag",
         [](Setting& s) {
             s.runtime.compile->argv.insert(s.runtime.compile->argv.begin() + 1, "-O2");
         }},
        {"another script that is not used, but for several files",
         [](Setting& s) {
             s.job.files.push_back({.name = "b.c", .content = ""});
             s.runtime.compile->text += "\n";
         }},
        {"several files",
         [](Setting& s) { s.job.files.push_back({.name = "b.c", .content = ""}); }},
        {"another environment", [](Setting& s) { s.runtime.environment.emplace_back("A=b"); }},
        {"another language", [](Setting& s) { s.runtime.language = "c99"; }},
        {"other layers",
         [](Setting& s) {
             s.runtime.layers = std::make_shared<const std::vector<std::string>>(1, "gcc-12");
         }},
        {"a longer time", [](Setting& s) { s.job.limits.compile.wall_time *= 2; }},
        {"a longer processor time", [](Setting& s) { s.job.limits.compile.cpu_time *= 2; }},
        {"less time of the whole job",
         [](Setting& s) { s.job.total_time = config::Milliseconds{1}; }},
        {"more memory", [](Setting& s) { s.job.limits.compile.memory.count *= 2; }},
        {"more processes", [](Setting& s) { ++s.job.limits.compile.processes; }},
        {"larger files", [](Setting& s) { ++s.job.limits.compile.file_size.count; }},
        {"more files", [](Setting& s) { ++s.job.limits.compile.open_files; }},
        {"a larger box", [](Setting& s) { ++s.job.limits.run.disk_entries; }},
        {"more output", [](Setting& s) { ++s.job.limits.compile.output.count; }},
    };
    std::set<std::optional<std::string>> keys{Setting{}.key()};
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Setting setting;
        row.change(setting);
        const auto key = setting.key();
        CHECK(key);
        CHECK(keys.insert(key).second);
    }
}

TEST_CASE("what may come to something else another time has no key") {
    Setting not_said;
    not_said.runtime.compile->cache_unless.reset();
    CHECK_FALSE(not_said.key());
    Setting interpreted;
    interpreted.runtime.compile.reset();
    CHECK_FALSE(interpreted.key());
    Setting large;
    large.job.files.push_back({.name = "data", .content = std::string(5 << 20, 'x')});
    CHECK_FALSE(large.key());
    Setting in_data;
    in_data.job.files.push_back({.name = "x", .content = "__TIME__", .is_code = false});
    CHECK_FALSE(in_data.key());
    Setting own_word;
    own_word.job.files[0].content += "// by the Clock";
    CHECK_FALSE(own_word.key());
}

TEST_CASE("words for the time and for other files are found however they are written") {
    const char* further[] = {
        "puts(__DATE__);",
        "puts(__TIME__);",
        "x = __TIMESTAMP__;",
        "puts(__DA\\\nTE__);",
        "puts(__DA\\  \r\nTE__);",
        "C(__DA, TE__)",
        "C(_, _TIME__)",
        "C(__TIM, E__)",
        "#embed \"x\"",
        "#  embed <x>",
        "//go:embed *",
        R"(asm(".incbin \"/etc/hostname\"");)",
        "#include \"/proc/uptime\"",
        "#include \"../../proc/uptime\"",
        "include_str!(\"/dev/stdin\")",
        "#include \"args.args\"",
    };
    for (const auto* const text : further) {
        CAPTURE(text);
        CHECK(looks_further(text, {}));
    }
    const char* within[] = {"",
                            "#include <time.h>\nint main(void) { return time(0) % 2; }",
                            "std::chrono::system_clock::now();",
                            "date\ntime\n\\\n",
                            "puts(\"proc/sys\");",
                            "\\"};
    for (const auto* const text : within) {
        CAPTURE(text);
        CHECK_FALSE(looks_further(text, {}));
    }
    CHECK(looks_further("{$i %dateyear%}", {"%DATE"}));
    CHECK_FALSE(looks_further("{$i file}", {"%DATE"}));
}

TEST_CASE("a megabyte of continued lines is looked through at once") {
    std::string lines;
    while (lines.size() < (1 << 20)) lines += "\\   \\ \n\\\n";
    CHECK_FALSE(looks_further(lines, {}));
}

TEST_CASE("of the processor counts what programs are compiled for, not how fast it is now") {
    const std::string one = "processor\t: 0\nmodel name\t: P\ncpu MHz\t: 2000\nflags\t: avx\n\n";
    const std::string faster =
        "processor\t: 0\nmodel name\t: P\ncpu MHz\t: 3000\nflags\t: avx\n\nq";
    const std::string other = "processor\t: 0\nmodel name\t: P\ncpu MHz\t: 2000\nflags\t: sse\n\n";
    CHECK(engine::machine_of(one) == engine::machine_of(faster));
    CHECK(engine::machine_of(one) != engine::machine_of(other));
    CHECK(engine::machine_of("").empty());
}

TEST_CASE("a toolchain of the host is known by its files, one of a package by its layers") {
    engine::Runtime host{.language = "sh", .version = "1", .program = "/bin/sh"};
    const auto known = engine::toolchain_of(host);
    CHECK(known == engine::toolchain_of(host));
    host.program = "/usr/bin/env";
    CHECK(known != engine::toolchain_of(host));
    host.layers = std::make_shared<const std::vector<std::string>>(1, "base");
    CHECK(engine::toolchain_of(host).empty());
}
