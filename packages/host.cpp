#include "packages/host.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <memory>
#include <set>

#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"
#include "packages/package.h"

namespace packages {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* system_directories[] = {"/usr/local/bin", "/usr/bin"};
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";

// More than any tool says about its version; what comes after is not read.
constexpr std::size_t max_answer_bytes = 4096;

// A chain of symbolic links the kernel would still follow (man 7 path_resolution).
constexpr int max_links = 40;

struct Candidate {
    std::string program, real_program;
};

// The paths a candidate of a recipe stands for, those that exist.
std::vector<std::string> expand(const std::string& program) {
    std::vector<std::string> patterns;
    if (program.starts_with('/')) {
        patterns.push_back(program);
    } else {
        for (const auto* directory : system_directories) {
            patterns.push_back(std::string{directory} + "/" + program);
        }
    }
    std::vector<std::string> paths;
    for (const auto& pattern : patterns) {
        glob_t found{};
        if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
            paths.insert(paths.end(), found.gl_pathv, found.gl_pathv + found.gl_pathc);
        }
        ::globfree(&found);
    }
    return paths;
}

// A path is put into scripts as it is, so it must mean the same to a shell as to the kernel.
bool plain(const std::string& path) {
    return std::ranges::all_of(path, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"/._+-"}.find(c) != std::string_view::npos;
    });
}

// Where the program really is, or empty if a box could not follow the links to it.
std::optional<std::string> resolve(const std::string& program) {
    auto path = fs::path{program};
    std::error_code error;
    for (int links = 0; links < max_links; ++links) {
        path = fs::canonical(path.parent_path(), error) / path.filename();
        if (error) return {};
        const auto& text = path.native();
        if (!text.starts_with("/usr/") && !text.starts_with("/etc/alternatives/")) return {};
        if (!fs::is_symlink(path, error)) {
            const bool usable = text.starts_with("/usr/") && fs::is_regular_file(path, error) &&
                                ::access(text.c_str(), X_OK) == 0;
            return usable && plain(program) && plain(text) ? std::optional{text} : std::nullopt;
        }
        path = path.parent_path() / fs::read_symlink(path, error);
        if (error) return {};
    }
    return {};
}

// The programs a recipe may mean, each real file once.
std::vector<Candidate> candidates(const Manifest& recipe) {
    std::vector<Candidate> found;
    std::set<std::string> seen;
    for (const auto& name : recipe.programs) {
        for (auto& path : expand(name)) {
            auto real = resolve(path);
            if (real && seen.insert(*real).second) found.push_back({std::move(path), *real});
        }
    }
    return found;
}

std::string directory_of(const std::string& path) {
    return fs::path{path}.parent_path().native();
}

std::string path_variable(const std::string& real_program) {
    const auto own = directory_of(real_program);
    const bool usual = own == "/usr/local/bin" || own == "/usr/bin";
    return "PATH=" + (usual ? "" : own + ":") + std::string{usual_path};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

// A tool that is being asked: its process group and the reading end of all it says. Whatever the
// tool left running is killed and the tool reaped when this is destroyed.
class Inquiry {
public:
    // On failure to start, finished() is true and the answer is empty.
    Inquiry(std::vector<std::string> argv, std::vector<std::string> environment);
    Inquiry(const Inquiry&) = delete;
    Inquiry& operator=(const Inquiry&) = delete;
    ~Inquiry();

    bool finished() const { return !process_; }
    const std::string& answer() const { return answer_; }
    bool succeeded() const { return succeeded_; }
    pollfd pollable_exit() const { return {process_.get(), POLLIN, 0}; }
    pollfd pollable_output() const { return {output_.get(), POLLIN, 0}; }

    bool read_some();  // false if there is nothing at present, or nothing more
    void end();        // reaps a tool that has exited, kills one that has not

private:
    sys::UniqueFd output_;
    sys::UniqueFd process_;  // empty once reaped; until then pid_ is ours
    pid_t pid_ = -1;
    std::string answer_;
    bool succeeded_ = false;
};

Inquiry::Inquiry(std::vector<std::string> argv, std::vector<std::string> environment) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) sys::fail("pipe2");
    output_.reset(ends[0]);
    const auto writing_end = sys::UniqueFd{ends[1]};
    // Our end only: a tool does not expect to be told to try again.
    if (::fcntl(output_.get(), F_SETFL, O_NONBLOCK) != 0) sys::fail("fcntl of a pipe");

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);

    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

    const int error = ::posix_spawn(&pid_, argv[0].c_str(), &actions, &attributes,
                                    pointers(argv).data(), pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return;
    // Raw, because glibc 2.36 declares the wrapper for C only.
    process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!process_) {
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        sys::fail("pidfd_open of " + argv[0]);
    }
}

Inquiry::~Inquiry() {
    end();
}

bool Inquiry::read_some() {
    std::array<char, max_answer_bytes> buffer;
    const auto length = ::read(output_.get(), buffer.data(), buffer.size());
    if (length == 0) output_.reset();
    if (length <= 0) return false;
    const auto room = max_answer_bytes - answer_.size();
    answer_.append(buffer.data(), std::min(room, static_cast<std::size_t>(length)));
    return true;
}

void Inquiry::end() {
    if (finished()) return;
    // Before reaping: a zombie keeps its process group, so the number cannot be anybody else's.
    ::kill(-pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    succeeded_ = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    process_.reset();
    // Not to its end: somebody who left the group may hold the pipe, and write for ever.
    while (answer_.size() < max_answer_bytes && output_ && read_some()) {
    }
}

// Waits until every tool has answered or the time is over.
void wait_for(const std::vector<std::unique_ptr<Inquiry>>& inquiries, Clock::time_point deadline) {
    for (;;) {
        std::vector<pollfd> events;  // two for every inquiry; poll skips negative descriptors
        bool all_finished = true;
        for (const auto& inquiry : inquiries) {
            events.push_back(inquiry->pollable_exit());
            events.push_back(inquiry->pollable_output());
            all_finished = all_finished && inquiry->finished();
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (all_finished || left.count() <= 0) break;
        if (::poll(events.data(), events.size(), static_cast<int>(left.count())) < 0) {
            if (errno == EINTR) continue;
            sys::fail("poll the tools asked for their version");
        }
        for (std::size_t i = 0; i < inquiries.size(); ++i) {
            if (events[2 * i + 1].revents != 0) inquiries[i]->read_some();
            if (events[2 * i].revents != 0) inquiries[i]->end();
        }
    }
    for (const auto& inquiry : inquiries) inquiry->end();
}

std::string replaced(std::string text, std::string_view placeholder, std::string_view value) {
    for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos;
         at += value.size()) {
        text.replace(at, placeholder.size(), value);
    }
    return text;
}

// A vector that needs something starts all jobs where that is, and none where it is not.
Installed settled(Installed installed) {
    const auto& needed = installed.manifest.argv_needs;
    if (needed.empty()) return installed;
    auto& compile = *installed.manifest.compile;
    std::error_code error;
    if (fs::is_regular_file(needed, error)) {
        compile.text.clear();
    } else {
        compile.argv.clear();
        compile.warm = {};
    }
    return installed;
}

void log_silent(const Manifest& recipe, const std::string& program, const Inquiry& inquiry) {
    const auto first_line = inquiry.answer().substr(0, inquiry.answer().find('\n'));
    sys::log(sys::Level::warn, "toolchain_left_out",
             {{"language", recipe.language}, {"program", program}, {"answer", first_line}});
}

}  // namespace

std::vector<Manifest> load_recipes(const std::string& directory) {
    std::error_code error;
    std::vector<std::string> paths;
    for (auto entry = fs::recursive_directory_iterator{directory, error};
         !error && entry != fs::recursive_directory_iterator{}; entry.increment(error)) {
        if (entry->path().extension() == ".toml") paths.push_back(entry->path().native());
    }
    if (error) sys::fail("read the recipes in " + directory, error.value());
    std::ranges::sort(paths);
    std::vector<Manifest> recipes;
    for (const auto& path : paths) {
        const auto text = sys::read_file(path);
        if (!is_package(text, path)) recipes.push_back(parse_manifest(text, path));
    }
    return recipes;
}

std::optional<std::string> exact_version(std::string_view answer, std::string_view after) {
    constexpr std::string_view digits = "0123456789";
    const auto behind = answer.find(after);
    if (behind == std::string_view::npos) return {};
    answer.remove_prefix(behind + after.size());
    const auto start = answer.find_first_of(digits);
    if (start == std::string_view::npos) return {};

    std::array<unsigned, 3> parts{};
    const char* next = answer.data() + start;
    const char* const end = answer.data() + answer.size();
    for (auto& part : parts) {
        const auto [rest, error] = std::from_chars(next, end, part);
        if (error != std::errc{}) return {};  // a number no version has
        if (end - rest < 2 || rest[0] != '.' || digits.find(rest[1]) == std::string_view::npos)
            break;
        next = rest + 1;
    }
    return std::to_string(parts[0]) + "." + std::to_string(parts[1]) + "." +
           std::to_string(parts[2]);
}

Installed fill(const Manifest& recipe, const std::string& program, const std::string& real_program,
               const std::string& version) {
    const auto first_dot = version.find('.');
    const std::pair<std::string_view, std::string> values[] = {
        {"{program}", program},
        {"{directory}", directory_of(real_program)},
        {"{major}", version.substr(0, first_dot)},
        {"{minor}", version.substr(first_dot + 1, version.rfind('.') - first_dot - 1)},
    };
    const auto fill_text = [&](std::string& text) {
        for (const auto& [placeholder, value] : values)
            text = replaced(std::move(text), placeholder, value);
    };
    const auto fill_all = [&](std::vector<std::string>& texts) {
        std::ranges::for_each(texts, fill_text);
    };

    auto installed = Installed{.manifest = recipe, .version = version, .program = program};
    auto& manifest = installed.manifest;
    fill_all(manifest.aliases);
    fill_all(manifest.version.argv);
    fill_all(manifest.environment);
    fill_all(manifest.run.argv);
    fill_text(manifest.run.text);
    if (manifest.compile) {
        fill_all(manifest.compile->argv);
        fill_text(manifest.compile->text);
        fill_text(manifest.compile->warm.prime);
        fill_text(manifest.argv_needs);
    }
    const bool sets_path = std::ranges::any_of(
        manifest.environment, [](const std::string& entry) { return entry.starts_with("PATH="); });
    if (!sets_path) {
        manifest.environment.insert(manifest.environment.begin(), path_variable(real_program));
    }
    return installed;
}

std::vector<Installed> find_host_toolchains(const std::vector<Manifest>& recipes,
                                            std::chrono::milliseconds patience) {
    struct Asked {
        const Manifest* recipe;
        Candidate candidate;
    };
    const auto deadline = Clock::now() + patience;
    std::vector<Asked> asked;
    std::vector<std::unique_ptr<Inquiry>> inquiries;  // one for each of `asked`
    for (const auto& recipe : recipes) {
        for (auto& candidate : candidates(recipe)) {
            auto question =
                fill(recipe, candidate.program, candidate.real_program, "").manifest.version.argv;
            inquiries.push_back(std::make_unique<Inquiry>(
                std::move(question), std::vector{path_variable(candidate.real_program)}));
            asked.push_back({&recipe, std::move(candidate)});
        }
    }
    wait_for(inquiries, deadline);

    std::vector<Installed> found;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        const auto& recipe = *asked[i].recipe;
        const auto& candidate = asked[i].candidate;
        const auto& inquiry = *inquiries[i];
        const auto version = exact_version(inquiry.answer(), recipe.version.after);
        if (!inquiry.succeeded() || !version) {
            log_silent(recipe, candidate.program, inquiry);
            continue;
        }
        const bool known = std::ranges::any_of(found, [&](const Installed& other) {
            return other.manifest.language == recipe.language && other.version == *version;
        });
        if (!known)
            found.push_back(
                settled(fill(recipe, candidate.program, candidate.real_program, *version)));
    }
    return found;
}

}  // namespace packages
