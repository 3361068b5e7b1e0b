#include "tests/support/control.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"
#include "tests/support/pace.h"

namespace support {

namespace {

namespace fs = std::filesystem;

constexpr int wall_ms = 30'000;  // of a control; its programs' own ceilings are below 5 s
constexpr int patience_ms = 60'000;
constexpr std::size_t most_output = 64 << 20;
constexpr uid_t nobodys_uids = 4'200'000'000;  // above all ranges of engines

struct Pipe {
    sys::UniqueFd read, write;

    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) sys::fail("pipe2");
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

// False at the end, or when nothing came in time.
bool take(Pipe& out, Pipe& err, std::string& said) {
    std::array<pollfd, 2> events{{{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
    if (::poll(events.data(), events.size(), patiently(patience_ms)) <= 0) return false;
    std::array<char, 65536> bytes{};
    for (auto* pipe : {&out, &err}) {
        const auto& event = pipe == &out ? events[0] : events[1];
        if (event.revents == 0) continue;
        const auto length = ::read(pipe->read.get(), bytes.data(), bytes.size());
        if (length <= 0)
            pipe->read.reset();
        else if (said.size() < most_output)
            said.append(bytes.data(), static_cast<std::size_t>(length));
    }
    return out.read || err.read;
}

// The programs of controls, compiled where they need it; gone at the end of the tests.
class Place {
public:
    Place() {
        char name[] = "/tmp/crankcase-control-XXXXXX";
        path_ = ::mkdtemp(name);
        fs::permissions(path_, fs::perms{0755});
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
        std::error_code error;
        fs::remove_all(path_, error);
    }

    const std::string& path() const { return path_; }

    // The words that run a program where it is seen as /mnt.
    std::vector<std::string> words_for(const std::string& name) {
        const auto file = path_ + "/" + name;
        if (!fs::exists(file)) std::ofstream{file} << hostile_program(name);
        const auto seen = "/mnt/" + name;
        if (name.ends_with(".py")) return {"/usr/bin/python3", seen};
        if (name.ends_with(".sh")) return {"/usr/bin/bash", seen};
        if (name.ends_with(".cpp")) return {"/usr/bin/c++", "-fsyntax-only", seen};
        if (!fs::exists(file + ".program")) {
            const auto made = run_words({"/usr/bin/cc", "-pthread", "-o", file + ".program", file});
            if (made.code != 0) throw std::runtime_error(made.said);
        }
        return {seen + ".program"};
    }

private:
    std::string path_;
};

}  // namespace

std::string hostile_program(const std::string& name) {
    return sys::read_file(std::string{CRANKCASE_HOSTILE_PROGRAMS} + "/" + name);
}

ControlResult run_words(const std::vector<std::string>& words) {
    std::vector<char*> argv;
    // execv changes none of them.
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    Pipe out, err;
    const auto nothing = sys::open("/dev/null", O_RDONLY);
    const pid_t pid = ::fork();
    if (pid < 0) sys::fail("fork");
    if (pid == 0) {
        ::dup2(nothing.get(), STDIN_FILENO);
        ::dup2(out.write.get(), STDOUT_FILENO);
        ::dup2(err.write.get(), STDERR_FILENO);
        ::execv(argv[0], argv.data());
        ::_exit(127);
    }
    out.write.reset();
    err.write.reset();
    ControlResult result;
    while (take(out, err, result.said)) continue;
    if (out.read || err.read) ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return result;
}

ControlResult run_control(const Control& control) {
    static Place place;
    static uid_t uid = nobodys_uids + static_cast<uid_t>(::getpid() % 40'000) * 2;
    std::vector<std::string> words{isolate::program_directory() + "/crankcase-control",
                                   control.without,
                                   place.path(),
                                   std::to_string(uid),
                                   std::to_string(patiently(wall_ms)),
                                   std::to_string(control.port)};
    for (const auto& name : control.programs) {
        words.emplace_back("--");
        for (auto& word : place.words_for(name)) words.push_back(std::move(word));
        if (!name.ends_with(".cpp")) words.push_back(std::to_string(control.port));
    }
    auto result = run_words(words);
    // Bytes that are put into an answer as they are.
    if (control.without == "replaced bytes" && !nlohmann::json::accept("\"" + result.said + "\""))
        result.said += "BREACH the answer is no JSON";
    return result;
}

}  // namespace support
