// What a program sees from within a box, all of it, against a document that says what that has to
// be and why: tests/posture/expected.txt. A line that nobody wrote down fails the test, and so does
// one that is gone.
#include <doctest/doctest.h>
#include <linux/magic.h>
#include <spawn.h>
#include <sys/personality.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"
#include "tests/support/expectation.h"
#include "tests/support/local_engine.h"
#include "tests/support/steered_job.h"

namespace {

namespace fs = std::filesystem;
using namespace config::literals;
using Lines = std::vector<std::string>;

std::string probe_program() {
    return isolate::program_directory() + "/posture_probe";
}

std::string expectation() {
    return sys::read_file(fs::path{__FILE__}.parent_path() / "../posture/expected.txt");
}

// Which of the document's lines hold on this host: those of a machine whose processes are in groups
// of cgroup v2 alone, or those of one with hierarchies of v1.
std::string tag_of_cgroups() {
    struct statfs place {};
    const bool unified =
        ::statfs("/sys/fs/cgroup", &place) == 0 && place.f_type == CGROUP2_SUPER_MAGIC;
    return unified ? "cgroup2" : "cgroup1";
}

// An engine that was started as carelessly as can be: what it inherited must not reach a box.
support::LocalEngine& local() {
    static const auto shared = [] {
        const int before = ::personality(ADDR_NO_RANDOMIZE);
        auto engine = std::make_unique<support::LocalEngine>();
        ::personality(static_cast<unsigned long>(before));
        return engine;
    }();
    return *shared;
}

Lines lines_of(const std::string& text) {
    Lines lines;
    std::istringstream stream{text};
    for (std::string line; std::getline(stream, line);) {
        while (line.ends_with('\r')) line.pop_back();  // of a terminal
        lines.push_back(line);
    }
    return lines;
}

std::string namespace_of(const std::string& pid, const std::string& name) {
    std::error_code error;
    return fs::read_symlink("/proc/" + pid + "/ns/" + name, error).string();
}

// The pid of the runner's init: the only process of that name in a cgroup of the engine's.
std::string init_of_runner() {
    for (const auto& entry : fs::directory_iterator{"/proc"}) {
        auto pid = entry.path().filename().string();
        if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto groups = sys::try_read_file("/proc/" + pid + "/cgroup").value_or("");
        const auto command = sys::try_read_file("/proc/" + pid + "/cmdline").value_or("");
        if (groups.find(local().instance() + "/") != std::string::npos &&
            command.starts_with("/crankcase/init"))
            return pid;
    }
    return {};
}

void replace_word(std::string& line, const std::string& word, const std::string& by) {
    for (auto at = line.find(' ' + word); at != std::string::npos; at = line.find(' ' + word, at)) {
        const auto end = ++at + word.size();
        if (end == line.size() || line[end] == ' ') line.replace(at, word.size(), by);
    }
}

// What differs from run to run, in the words of the document: the job's uid, the host's uid of the
// container's root, and for a namespace whose it is.
Lines in_words(Lines lines, const std::string& init) {
    const std::string uid_label = "status.Uid ";
    std::string uid;
    for (const auto& line : lines) {
        if (line.starts_with(uid_label))
            uid =
                line.substr(uid_label.size(), line.find(' ', uid_label.size()) - uid_label.size());
    }
    for (auto& line : lines) {
        if (uid != "0" && (line.starts_with("status.") || line.starts_with("fs")))
            replace_word(line, uid, "JOB");
        const std::string label = "namespace.";
        if (!line.starts_with(label)) continue;
        const auto end = line.find(' ');
        auto name = line.substr(label.size(), end - label.size());
        const auto of_host = namespace_of("self", name);
        const auto of_runner = namespace_of(init, name);
        const auto id = line.substr(end + 1);
        line.resize(end + 1);
        line += id == of_host ? "the host's" : id == of_runner ? "the runner's" : "its own";
    }
    return lines;
}

// A job whose two stages are, or become, the probe.
engine::Job job(const std::set<std::string>& tags) {
    engine::Runtime runtime;
    runtime.language = "posture";
    runtime.version = "1.0.0";
    runtime.environment = {"PATH=/usr/bin:/bin"};
    engine::Job result;
    result.id = "posture";
    if (tags.contains("packages")) {
        const auto layer = local().layers_directory() + "/posture";
        fs::create_directories(layer + "/opt");
        fs::copy_file(probe_program(), layer + "/opt/probe", fs::copy_options::skip_existing);
        runtime.layers = std::make_shared<const std::vector<std::string>>(1, "posture");
        runtime.compile = {.argv = {"/opt/probe"}, .text = ""};
        runtime.run = runtime.compile.value();
        result.files = {{.name = "main", .content = ""}};
    } else {
        runtime.compile = {.argv = {}, .text = "chmod 755 main && exec ./main"};
        runtime.run = {.argv = {"./main"}, .text = ""};
        result.files = {{.name = "main", .content = sys::read_file(probe_program())}};
    }
    result.runtime = std::make_shared<const engine::Runtime>(std::move(runtime));
    for (auto* limits : {&result.limits.compile, &result.limits.run}) {
        limits->wall_time = limits->cpu_time = std::chrono::seconds{100};
        limits->output = 8_MiB;
    }
    if (tags.contains("terminal")) result.terminal = isolate::WindowSize{.rows = 24, .columns = 80};
    return result;
}

// Where CRANKCASE_POSTURE names a directory, the outputs go there too: for whoever has to bring the
// document up to date.
void keep(const std::string& name, const Lines& lines) {
    const char* directory = std::getenv("CRANKCASE_POSTURE");
    if (directory == nullptr) return;
    std::ofstream file{std::string{directory} + "/" + name};
    for (const auto& line : lines) file << line << '\n';
}

void check_posture(const std::optional<engine::StageResult>& stage,
                   const std::set<std::string>& tags) {
    std::string name;
    for (const auto& tag : tags) name += (name.empty() ? "" : "-") + tag;
    CAPTURE(name);
    REQUIRE(stage.has_value());
    CHECK(stage->verdict == engine::Verdict::passed);
    CHECK(stage->output.err == "");
    const auto lines = in_words(lines_of(stage->output.out), init_of_runner());
    keep(name, lines);
    for (const auto& line : lines) {
        if (line.find("cklocal") != std::string::npos) FAIL_CHECK("names a host's path: " << line);
    }
    for (const auto& difference :
         support::differences(support::parse_expectation(expectation(), tags), lines)) {
        FAIL_CHECK(difference);
    }
}

void check_both_stages(std::set<std::string> tags) {
    tags.insert(tag_of_cgroups());
    engine::Events nobody;
    const auto result = local().engine().execute(job(tags), nobody, {});
    // Only the program has a terminal; its compiler has pipes all the same.
    auto of_compiler = tags;
    of_compiler.erase("terminal");
    of_compiler.insert({"compile", "pipes"});
    check_posture(result.compile, of_compiler);
    tags.insert({"run", tags.contains("terminal") ? "terminal" : "pipes"});
    check_posture(result.run, tags);
}

std::string output_outside() {
    const auto command = "'" + probe_program() + "' outside";
    std::FILE* pipe = ::popen(command.c_str(), "re");
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> chunk{};
    for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;)
        text.append(chunk.data(), got);
    CHECK(::pclose(pipe) == 0);
    return text;
}

}  // namespace

TEST_CASE("all that a program sees from within a box is written down, on the host's root") {
    check_both_stages({"host"});
}

TEST_CASE("all that a program sees from within a box is written down, on a root of packages") {
    check_both_stages({"packages"});
}

TEST_CASE("all that a program sees from within a box is written down, on a terminal") {
    check_both_stages({"host", "terminal"});
}

TEST_CASE("outside of a box, each line about security says something else") {
    const auto outside = in_words(lines_of(output_outside()), "");
    keep("outside", outside);
    REQUIRE(outside.size() > 100);
    CHECK(outside.back() == "end of posture");
    std::size_t compared = 0;
    for (const auto& line :
         support::parse_expectation(expectation(), {"host", "run", "pipes", tag_of_cgroups()})) {
        if (!line.is_security) continue;
        ++compared;
        for (const auto& said : outside) {
            if (support::matches(line.pattern, said)) FAIL_CHECK("the same outside: " << said);
        }
    }
    MESSAGE(compared << " lines about security differ outside");
    CHECK(compared > 20);
}
