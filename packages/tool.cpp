#include "packages/tool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"
#include "packages/names.h"

namespace packages {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_error_bytes = 64 << 10;
constexpr std::size_t max_line = 4096;
constexpr std::size_t max_last_words = 400;
constexpr std::string_view usual_path = "/usr/local/bin:/usr/bin:/bin";

// Both ends of a pipe; the reading one never blocks.
struct Pipe {
    sys::UniqueFd reading, writing;

    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) sys::fail("pipe2");
        reading.reset(ends[0]);
        writing.reset(ends[1]);
        if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) sys::fail("fcntl of a pipe");
    }
};

// An eventfd that becomes readable when a stop is requested, so that poll wakes.
class StopEvent {
public:
    explicit StopEvent(const std::stop_token& stop)
        : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), wake_(stop, Wake{event_.get()}) {
        if (!event_) sys::fail("eventfd");
    }

    pollfd pollable() const { return {event_.get(), POLLIN, 0}; }

private:
    struct Wake {
        int fd;
        // Cannot fail: the counter is far from its end, and a failure would only delay the stop.
        void operator()() const { static_cast<void>(::eventfd_write(fd, 1)); }
    };
    sys::UniqueFd event_;
    std::stop_callback<Wake> wake_;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    // posix_spawn does not write to them; its parameters are older than const.
    for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
    result.push_back(nullptr);
    return result;
}

std::string name_of(const ToolCommand& command) {
    const auto& path = command.argv.front();
    return path.substr(path.rfind('/') + 1);
}

// The program while it runs. Its group is killed and it is reaped when this is destroyed.
class Running {
public:
    explicit Running(const ToolCommand& command);
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() { end(); }

    bool ended() const { return !process_; }
    pollfd pollable_exit() const { return {process_.get(), POLLIN, 0}; }
    const sys::UniqueFd& output() const { return output_; }
    const sys::UniqueFd& errors() const { return errors_; }

    void end();
    int exit_code() const;

private:
    sys::UniqueFd output_, errors_;
    sys::UniqueFd process_;  // empty once reaped; until then pid_ is ours
    pid_t pid_ = -1;
    int status_ = 0;
};

Running::Running(const ToolCommand& command) {
    auto out = Pipe{};
    auto err = Pipe{};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.writing.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err.writing.get(), STDERR_FILENO);
    // Should a library of ours have opened something without CLOEXEC.
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawn_file_actions_addchdir_np(&actions, command.directory.c_str());

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

    const int error =
        ::posix_spawn(&pid_, command.argv.front().c_str(), &actions, &attributes,
                      pointers(command.argv).data(), pointers(command.environment).data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) sys::fail("start " + command.argv.front(), error);
    // Raw, because glibc 2.36 declares the wrapper for C only.
    process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!process_) {
        const int why = errno;
        ::kill(-pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        sys::fail("pidfd_open of " + command.argv.front(), why);
    }
    output_ = std::move(out.reading);
    errors_ = std::move(err.reading);
}

void Running::end() {
    if (ended()) return;
    // Before reaping: a zombie keeps its process group, so the number cannot be anybody else's.
    ::kill(-pid_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    process_.reset();
}

int Running::exit_code() const {
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
}

// Takes in what comes through the two pipes.
class Listener {
public:
    explicit Listener(const ToolCommand& command) : command_(command) {}

    // Reads what is there now. False at the end of the stream.
    bool hear_output(const sys::UniqueFd& fd) {
        return hear(fd, [this](std::string_view text) { take_output(text); });
    }
    bool hear_errors(const sys::UniqueFd& fd) {
        return hear(fd, [this](std::string_view text) {
            err_ += text.substr(0, max_error_bytes - err_.size());
        });
    }

    ToolResult result(int exit_code) {
        if (!line_.empty()) tell_line();
        return {.exit_code = exit_code, .out = std::move(out_), .err = std::move(err_)};
    }

private:
    // At most 16 buffers at once: a program that never stops must not keep us from the clock.
    template <typename Take>
    static bool hear(const sys::UniqueFd& fd, Take take) {
        std::array<char, 16384> buffer;
        for (int round = 0; round < 16; ++round) {
            const auto length = ::read(fd.get(), buffer.data(), buffer.size());
            if (length == 0) return false;
            if (length < 0) return errno == EAGAIN || errno == EINTR;
            take(std::string_view{buffer.data(), static_cast<std::size_t>(length)});
        }
        return true;
    }

    void take_output(std::string_view text) {
        if (!command_.on_line) {
            if (text.size() > command_.most_output - out_.size()) {
                throw sys::Error(sys::Kind::broken, name_of(command_) + " said more than the " +
                                                        std::to_string(command_.most_output) +
                                                        " bytes that are read");
            }
            out_ += text;
            return;
        }
        for (const char c : text) {
            if (c == '\n' || c == '\r') {
                tell_line();
            } else if (line_.size() < max_line) {
                line_ += c;
            }
        }
    }

    void tell_line() {
        command_.on_line(line_);
        line_.clear();
    }

    const ToolCommand& command_;
    std::string out_, err_, line_;
};

// Sleeps until something happens; throws when the time is over or a stop was requested.
void wait_for(std::vector<pollfd>& events, const ToolCommand& command, Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) {
        throw sys::Error(sys::Kind::broken, name_of(command) + " did not end within " +
                                                std::to_string(command.patience.count()) + " ms");
    }
    // A day at most per call, for poll counts in an int.
    const auto timeout = static_cast<int>(std::min<std::int64_t>(left.count(), 86'400'000));
    if (::poll(events.data(), events.size(), timeout) < 0 && errno != EINTR) {
        sys::fail("poll " + name_of(command));
    }
}

bool is_executable_file(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
}

// The directories of PATH that do not depend on where the program runs.
std::vector<std::string> search_directories() {
    const char* const own = std::getenv("PATH");
    const auto list = (own ? std::string{own} + ":" : std::string{}) + std::string{usual_path};
    std::vector<std::string> directories;
    for (std::size_t start = 0; start <= list.size();) {
        const auto end = std::min(list.find(':', start), list.size());
        auto directory = list.substr(start, end - start);
        if (directory.starts_with('/') &&
            std::ranges::find(directories, directory) == directories.end()) {
            directories.push_back(std::move(directory));
        }
        start = end + 1;
    }
    return directories;
}

}  // namespace

ToolResult run_tool(const ToolCommand& command, std::stop_token stop) {
    const auto deadline = Clock::now() + command.patience;
    const auto stop_event = StopEvent{stop};
    auto listener = Listener{command};
    auto running = Running{command};
    bool hears_output = true;
    bool hears_errors = true;
    while (!running.ended()) {
        // poll skips negative descriptors.
        std::vector<pollfd> events = {
            running.pollable_exit(),
            {hears_output ? running.output().get() : -1, POLLIN, 0},
            {hears_errors ? running.errors().get() : -1, POLLIN, 0},
            stop_event.pollable(),
        };
        wait_for(events, command, deadline);
        if (stop.stop_requested()) {
            throw sys::Error(sys::Kind::busy, name_of(command) + " was stopped");
        }
        if (events[1].revents != 0) hears_output = listener.hear_output(running.output());
        if (events[2].revents != 0) hears_errors = listener.hear_errors(running.errors());
        if (events[0].revents != 0) running.end();
    }
    // What is left in the pipes; not to their end, which somebody who left the group may hold off.
    if (hears_output) listener.hear_output(running.output());
    if (hears_errors) listener.hear_errors(running.errors());
    return listener.result(running.exit_code());
}

std::optional<std::string> find_program(const std::string& name) {
    for (const auto& directory : search_directories()) {
        auto path = directory + "/" + name;
        if (is_executable_file(path)) return path;
    }
    return {};
}

std::vector<std::string> client_environment() {
    constexpr const char* passed_on[] = {
        "HOME", "XDG_CONFIG_HOME",
        // Proxies and certificates, in both spellings that are about.
        "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS",
        // Where each client finds its registry and its configuration.
        "npm_config_registry", "NPM_CONFIG_REGISTRY", "npm_config_userconfig",
        "NPM_CONFIG_USERCONFIG", "npm_config_globalconfig", "NPM_CONFIG_GLOBALCONFIG",
        "npm_config_cafile", "NPM_CONFIG_CAFILE", "PIP_CONFIG_FILE", "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "PIP_PROXY", "PIP_TRUSTED_HOST",
        "PIP_DEFAULT_TIMEOUT", "GOENV", "GOPROXY", "PYENV_ROOT", "PYENV_VERSION"};
    std::string path;
    for (const auto& directory : search_directories())
        path += (path.empty() ? "" : ":") + directory;
    std::vector<std::string> environment = {"PATH=" + path, "LC_ALL=C.UTF-8"};
    for (const auto* name : passed_on) {
        if (const char* value = std::getenv(name)) {
            environment.push_back(std::string{name} + "=" + value);
        }
    }
    return environment;
}

std::string last_words(const ToolResult& result) {
    auto text = without_passwords(result.err.empty() ? result.out : result.err);
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    if (text.size() > max_last_words) {
        text.erase(0, text.size() - max_last_words);
        text.erase(0, text.find('\n') + 1);  // from a whole line on, if there is one
    }
    std::ranges::replace(text, '\n', ' ');
    return text.empty() ? "exit code " + std::to_string(result.exit_code) : text;
}

}  // namespace packages
