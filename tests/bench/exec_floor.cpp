#include "tests/bench/exec_floor.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"

namespace bench {
namespace {

class JobDirectory {
public:
    explicit JobDirectory(const std::string& scratch) : path_(scratch + "/job-XXXXXX") {
        if (!::mkdtemp(path_.data())) sys::fail("cannot make a job directory in " + scratch);
    }
    JobDirectory(const JobDirectory&) = delete;
    JobDirectory(JobDirectory&&) = delete;
    JobDirectory& operator=(const JobDirectory&) = delete;
    JobDirectory& operator=(JobDirectory&&) = delete;
    ~JobDirectory() {
        std::error_code ignored;  // what cannot be removed goes with the scratch directory
        std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }

private:
    std::string path_;
};

void write_new(const std::string& path, std::string_view text) {
    const auto file = sys::open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (::write(file.get(), text.data(), text.size()) != std::ssize(text))
        sys::fail("cannot write " + path);
}

struct Pipe {
    sys::UniqueFd out;  // the end to read from
    sys::UniqueFd in;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) sys::fail("cannot make a pipe");
    return {sys::UniqueFd{ends[0]}, sys::UniqueFd{ends[1]}};
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (auto& word : words) result.push_back(word.data());
    result.push_back(nullptr);
    return result;
}

// The settings of one posix_spawn (man 3 posix_spawn): session, signals, directory and stdio.
class SpawnSettings {
public:
    SpawnSettings() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawnattr_init(&attributes_);
        // The generator ignores SIGPIPE, and what is ignored stays so across exec.
        sigset_t defaults;
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE);
        ::posix_spawnattr_setsigdefault(&attributes_, &defaults);
        ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings(SpawnSettings&&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;
    SpawnSettings& operator=(SpawnSettings&&) = delete;
    ~SpawnSettings() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }

    void give(const sys::UniqueFd& fd, int number) {
        ::posix_spawn_file_actions_adddup2(&actions_, fd.get(), number);
    }
    void enter(const std::string& directory) {
        ::posix_spawn_file_actions_addchdir_np(&actions_, directory.c_str());
    }

    pid_t spawn(Argv argv, std::vector<std::string> environment) const {
        pid_t pid = -1;
        const auto arguments = pointers_to(argv);
        const auto variables = pointers_to(environment);
        if (const int error = ::posix_spawn(&pid, arguments[0], &actions_, &attributes_,
                                            arguments.data(), variables.data()))
            sys::fail("cannot start " + argv[0], error);
        return pid;
    }

private:
    posix_spawn_file_actions_t actions_;
    posix_spawnattr_t attributes_;
};

// Feeds and drains until the output ends, both in one poll so that neither side can block the
// other.
void converse(sys::UniqueFd& to_program, std::string_view input, const sys::UniqueFd& from_program,
              std::string& output) {
    std::array<char, 65536> piece;
    if (input.empty()) to_program.reset();
    for (;;) {
        std::array<pollfd, 2> waits{{{from_program.get(), POLLIN, 0},
                                     {to_program.get(), POLLOUT, 0}}};  // a negative fd is skipped
        if (::poll(waits.data(), waits.size(), -1) < 0) sys::fail("cannot wait for a program");
        if (waits[1].revents) {
            const auto written = ::write(to_program.get(), input.data(), input.size());
            if (written > 0) input.remove_prefix(static_cast<std::size_t>(written));
            if (input.empty() || (written < 0 && errno != EAGAIN)) to_program.reset();
        }
        if (waits[0].revents) {
            const auto received = ::read(from_program.get(), piece.data(), piece.size());
            if (received <= 0) return;
            output.append(piece.data(), static_cast<std::size_t>(received));
        }
    }
}

// Runs one stage to its end. Returns the wait status (man 2 wait).
int run_stage(const Argv& argv, const std::string& directory, std::string_view input,
              std::string& output) {
    SpawnSettings settings;
    auto result = make_pipe();
    Pipe feed;
    if (input.empty()) {
        feed.out = sys::open("/dev/null", O_RDONLY);
    } else {
        feed = make_pipe();
        ::fcntl(feed.in.get(), F_SETFL, O_NONBLOCK);
    }
    settings.give(feed.out, STDIN_FILENO);
    settings.give(result.in, STDOUT_FILENO);
    settings.give(result.in, STDERR_FILENO);
    settings.enter(directory);
    const pid_t pid =
        settings.spawn(argv, {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + directory});
    feed.out.reset();
    result.in.reset();

    output.clear();
    converse(feed.in, input, result.out, output);
    int status = 0;
    if (::waitpid(pid, &status, 0) < 0) sys::fail("cannot wait for " + argv[0]);
    return status;
}

}  // namespace

void ExecFloor::run_stages(const std::string& directory, std::string& trouble) {
    for (const auto& argv : program_.stages) {
        const bool last = &argv == &program_.stages.back();
        const int status = run_stage(argv, directory, last ? program_.input : "", output_);
        if (status == 0) continue;
        trouble = argv[0] + " ended with wait status " + std::to_string(status) + ": " +
                  output_.substr(0, 200);
        return;
    }
}

Answer ExecFloor::run() {
    Answer answer;
    const auto start = std::chrono::steady_clock::now();
    {
        const JobDirectory directory(program_.scratch);
        write_new(directory.path() + "/" + program_.file_name, program_.source);
        run_stages(directory.path(), answer.trouble);
    }
    answer.took = std::chrono::steady_clock::now() - start;
    answer.text = output_;
    return answer;
}

}  // namespace bench
