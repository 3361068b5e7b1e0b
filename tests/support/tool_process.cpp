#include "tests/support/tool_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace support {

namespace {

struct Pipe {
    sys::UniqueFd read, write;

    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) sys::fail("pipe2");
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
};

// Reads what there is; at the end, or when a terminal's other side has gone, the descriptor goes.
void take(sys::UniqueFd& from, std::string& to) {
    std::array<char, 65536> bytes{};
    const auto length = ::read(from.get(), bytes.data(), bytes.size());
    if (length > 0)
        to.append(bytes.data(), static_cast<std::size_t>(length));
    else if (length == 0 || errno != EINTR)
        from.reset();
}

}  // namespace

ToolProcess::ToolProcess(const std::vector<std::string>& words, Stdio stdio) {
    const auto program = isolate::program_directory() + "/crankcase";
    std::vector<char*> argv{const_cast<char*>(program.c_str())};  // execv changes none of them
    for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    // Input for a tool that has ended already must not end the test.
    ::signal(SIGPIPE, SIG_IGN);
    const auto execute = [&] {
        ::signal(SIGPIPE, SIG_DFL);
        ::signal(SIGHUP, SIG_DFL);  // whoever runs the tests may ignore it (nohup)
        ::execv(program.c_str(), argv.data());
        ::_exit(127);
    };
    if (stdio == Stdio::terminal) {
        int master = -1;
        const winsize size{.ws_row = 33, .ws_col = 99, .ws_xpixel = 0, .ws_ypixel = 0};
        pid_ = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid_ == 0) execute();
        if (pid_ < 0) sys::fail("forkpty");
        out_.reset(master);
        ::fcntl(master, F_SETFD, FD_CLOEXEC);
        return;
    }
    Pipe in, out, err;
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(in.read.get(), STDIN_FILENO);
        ::dup2(out.write.get(), STDOUT_FILENO);
        ::dup2(err.write.get(), STDERR_FILENO);
        execute();
    }
    if (pid_ < 0) sys::fail("fork");
    in_ = std::move(in.write);
    out_ = std::move(out.read);
    err_ = std::move(err.read);
}

ToolProcess::~ToolProcess() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void ToolProcess::write(std::string_view bytes) {
    const auto& to = in_ ? in_ : out_;
    while (!bytes.empty()) {
        const auto written = ::write(to.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return;  // it has ended; its exit code tells
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

ToolProcess::Progress ToolProcess::receive(std::chrono::steady_clock::time_point deadline) {
    if (!out_ && !err_) return Progress::end;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    std::array<pollfd, 2> polled{{{out_.get(), POLLIN, 0}, {err_.get(), POLLIN, 0}}};
    if (left.count() <= 0 ||
        ::poll(polled.data(), polled.size(), static_cast<int>(left.count())) == 0)
        return Progress::too_late;
    if (polled[0].revents > 0) take(out_, result_.out);
    if (polled[1].revents > 0) take(err_, result_.err);
    return Progress::more;
}

bool ToolProcess::wait_for_output(std::string_view text) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (result_.out.find(text) == std::string::npos &&
           result_.err.find(text) == std::string::npos) {
        if (receive(deadline) != Progress::more) return false;
    }
    return true;
}

ToolResult ToolProcess::finish() {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto progress = Progress::more;
    while (progress == Progress::more) progress = receive(deadline);
    result_.code = reap(deadline);
    return result_;
}

int ToolProcess::wait_for_exit() {
    return reap(std::chrono::steady_clock::now() + patience);
}

int ToolProcess::reap(std::chrono::steady_clock::time_point deadline) {
    const sys::UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0U))};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(
        std::max(deadline - std::chrono::steady_clock::now(), std::chrono::nanoseconds{0}));
    pollfd polled{process.get(), POLLIN, 0};
    if (::poll(&polled, 1, static_cast<int>(left.count())) <= 0) {
        ::kill(pid_, SIGKILL);
        result_.err += "\n(killed by the test: it did not end)";
    }
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

ToolResult run_tool(const std::vector<std::string>& words, std::string_view input) {
    ToolProcess tool{words};
    tool.write(input);
    tool.close_input();
    return tool.finish();
}

ToolPlace::ToolPlace() {
    char name[] = "/tmp/crankcase-tool-XXXXXX";
    if (::mkdtemp(name) == nullptr || ::chmod(name, 0755) != 0) sys::fail("mkdtemp");
    path = name;
}

ToolPlace::~ToolPlace() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

std::string ToolPlace::file(const std::string& name, std::string_view content) const {
    auto whole = path + "/" + name;
    sys::replace_file(whole, content);
    return whole;
}

std::vector<std::string> run_words(const std::string& url, const std::vector<std::string>& options,
                                   const std::vector<std::string>& rest) {
    std::vector<std::string> words{"--url", url, "run"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), rest.begin(), rest.end());
    return words;
}

}  // namespace support
