#include "tests/support/engine_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "isolate/keeper_process.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"
#include "tests/support/pace.h"
#include "tests/support/places.h"

namespace support {

namespace {

namespace fs = std::filesystem;

constexpr auto log_patience = std::chrono::seconds{20};
constexpr auto answer_patience_ms = 120'000;

std::uint16_t free_port() {
    const sys::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    // The socket interface wants the generic type; the layout is shared by design (man 7 ip).
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket.get(), generic, length) != 0 ||
        ::getsockname(socket.get(), generic, &length) != 0) {
        throw std::runtime_error("no free port");
    }
    return ntohs(address.sin_port);
}

sys::UniqueFd dial(std::uint16_t port) {
    sys::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return socket;
}

std::string post_request(const std::string& path, const std::string& body) {
    return "POST " + path +
           " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: "
           "application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

// An engine that ended badly said why last.
void tell_the_end_of(const std::string& log) {
    constexpr std::size_t enough = 4000;
    const auto end = log.substr(log.size() - std::min(enough, log.size()));
    std::fprintf(stderr, "an engine that ended badly said:\n%s\n", end.c_str());
}

using Numbers = std::vector<unsigned long>;

// The numbers of one line of /proc/<pid>/status.
Numbers numbers_behind(const std::string& status, const std::string& label) {
    const auto at = status.find(label);
    if (at == std::string::npos) return {};
    const auto begin = at + label.size();
    std::istringstream line{status.substr(begin, status.find('\n', begin) - begin)};
    Numbers numbers;
    for (unsigned long number = 0; line >> number;) numbers.push_back(number);
    return numbers;
}

HttpAnswer ask(std::uint16_t port, const std::string& request) {
    const auto socket = dial(port);
    if (!socket) return {};
    for (std::string_view rest = request; !rest.empty();) {
        const auto sent = ::send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;  // an early refusal is read all the same
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    std::string text;
    char chunk[65536];
    for (;;) {
        pollfd event{socket.get(), POLLIN, 0};
        if (::poll(&event, 1, patiently(answer_patience_ms)) <= 0) return {};
        const auto length = ::recv(socket.get(), chunk, sizeof chunk, 0);
        if (length <= 0) break;
        text.append(chunk, static_cast<std::size_t>(length));
    }
    const auto end_of_head = text.find("\r\n\r\n");
    if (end_of_head == std::string::npos || text.size() < 12) return {};
    return {std::stoi(text.substr(9, 3)), text.substr(end_of_head + 4),
            text.substr(0, end_of_head)};
}

}  // namespace

std::string HttpAnswer::field(const std::string& name) const {
    std::istringstream lines{head};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(name + ": ")) continue;
        return line.substr(name.size() + 2, line.find('\r') - name.size() - 2);
    }
    return {};
}

EngineProcess::EngineProcess(std::vector<std::string> settings, std::string config_file)
    : EngineProcess(Start::when_told, std::move(settings)) {
    config_file_ = std::move(config_file);
    start();
}

EngineProcess::EngineProcess(Start, std::vector<std::string> settings)
    : settings_(std::move(settings)) {
    // Some tests keep one engine for all their cases: neither names nor ids may come round again
    // while it lives.
    static int engines = 0;
    constexpr int uid_ranges = 512;
    const int number = engines++;
    instance_ = "cktest" + std::to_string(::getpid()) + "n" + std::to_string(number);
    scratch_.path = fs::temp_directory_path() / instance_;
    const auto range = static_cast<std::uint32_t>((::getpid() * 61 + number) % uid_ranges);
    first_uid_ = 1'000'000'000U + range * 64 * 65536;
    port_ = free_port();
    before_ = footprint(instance_, first_uid_);
}

EngineProcess::~EngineProcess() {
    if (pid_ > 0) stop();
}

Scratch::~Scratch() {
    std::error_code error;
    fs::remove_all(path, error);
}

void EngineProcess::start() {
    launch();
    if (wait_until_ready()) return;
    const auto said = this->log();
    stop();
    throw std::runtime_error("the engine did not become ready:\n" + said);
}

void EngineProcess::launch() {
    fs::create_directories(scratch_.path);
    const auto program = isolate::program_directory() + "/crankcased";
    std::vector<std::string> arguments{
        program,
        "--listen",
        "127.0.0.1:" + std::to_string(port_),
        "--set",
        "instance=" + instance_,
        "--set",
        "user=nobody",
        "--set",
        "pool.runners=4",
        "--set",
        "admission.concurrent_jobs=4",
        "--set",
        "warm.parked=" + std::to_string(places()),
        "--set",
        "paths.run_directory=" + scratch_.path + "/run",
        "--set",
        "paths.data_directory=" + scratch_.path + "/data",
        "--set",
        "pool.first_uid=" + std::to_string(first_uid_),
    };
    if (!config_file_.empty()) arguments.insert(arguments.end(), {"--config", config_file_});
    for (const auto& setting : settings_) {
        arguments.push_back("--set");
        arguments.push_back(setting);
    }
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const auto log = sys::open(scratch_.path + "/log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a test that crashes leaves no engine
        ::dup2(log_fd_ < 0 ? log.get() : log_fd_, STDERR_FILENO);
        const rlimit files{most_files_, most_files_};
        if (most_files_ > 0) ::setrlimit(RLIMIT_NOFILE, &files);
        ::execv(program.c_str(), argv.data());
        ::_exit(127);
    }
}

bool EngineProcess::wait_until_ready(std::chrono::seconds patience) const {
    const auto give_up = std::chrono::steady_clock::now() + patiently(patience);
    while (std::chrono::steady_clock::now() < give_up) {
        if (get("/readyz").status == 200) return true;
        // Of waitid(2), for waitpid knows no WNOWAIT.
        siginfo_t ended{};
        const auto pid = static_cast<id_t>(pid_);
        if (::waitid(P_PID, pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid_)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return false;
}

int EngineProcess::stop() {
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    complain_of_sanitizers();
    const int ended = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    if (ended != 0) tell_the_end_of(log());
    return ended;
}

void EngineProcess::kill_hard() {
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, -1), nullptr, 0);
}

// A sanitizer speaks in the engine's log, which nobody would read: what it says ends the tests.
void EngineProcess::complain_of_sanitizers() const {
    const auto said = log();
    if (said.find("Sanitizer:") == std::string::npos &&
        said.find("runtime error:") == std::string::npos)
        return;
    std::fputs(said.c_str(), stderr);
    std::_Exit(66);
}

HttpAnswer EngineProcess::get(const std::string& path) const {
    return support::ask(
        port_, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

HttpAnswer EngineProcess::post(const std::string& path, const std::string& body) const {
    return support::ask(port_, post_request(path, body));
}

HttpAnswer EngineProcess::send(const std::string& method, const std::string& path,
                               const std::string& body, const std::string& fields) const {
    return support::ask(port_, method + " " + path +
                                   " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                   "Content-Type: application/json\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n" + fields + "\r\n" + body);
}

HttpAnswer EngineProcess::ask(const std::string& method, const std::string& path,
                              const std::string& fields, const std::string& body) const {
    const auto length =
        body.empty() ? std::string{} : "Content-Length: " + std::to_string(body.size()) + "\r\n";
    return support::ask(port_, method + " " + path +
                                   " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                                   length + fields + "\r\n" + body);
}

int EngineProcess::status_with_key(const std::string& key) const {
    return ask("POST", "/api/v2/execute",
               "Content-Type: application/json\r\nAuthorization: Bearer " + key + "\r\n",
               R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})")
        .status;
}

void abandon(std::uint16_t port, const std::string& body, std::chrono::milliseconds after) {
    const auto socket = dial(port);
    const auto request = post_request("/api/v2/execute", body);
    if (::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return;
    std::this_thread::sleep_for(after);
}

Json EngineProcess::run(const std::string& language, const std::string& code, Json more) const {
    Json request{
        {"language", language}, {"version", "*"}, {"files", Json::array({{{"content", code}}})}};
    request.update(more);
    const auto answer = post("/api/v2/execute", request.dump());
    if (answer.status != 200)
        throw std::runtime_error(std::to_string(answer.status) + " " + answer.body);
    return answer.json();
}

std::vector<pid_t> EngineProcess::pids_of(const std::string& kind) const {
    std::vector<pid_t> pids;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{"/proc", error}) {
        const auto pid = std::atoi(entry.path().filename().c_str());
        if (pid > 0 && is_a(kind, pid)) pids.push_back(pid);
    }
    return pids;
}

bool EngineProcess::is_a(const std::string& kind, pid_t pid) const {
    const auto directory = "/proc/" + std::to_string(pid);
    const auto status = sys::try_read_file(directory + "/status").value_or("");
    const auto command = sys::try_read_file(directory + "/cmdline").value_or("");
    const auto uids = numbers_behind(status, "\nUid:");
    const bool in_range =
        !uids.empty() && uids[0] >= first_uid_ && uids[0] < first_uid_ + 64UL * 65536;
    const bool ours = command.find(instance_) != std::string::npos;
    const auto runs = [&command](const char* program) {
        return command.find(program) != std::string::npos;
    };
    const auto parents = numbers_behind(status, "\nPPid:");
    if (kind == "server") return ours && pid != pid_ && runs("crankcased");
    if (kind == "keeper") {
        // liblxc's monitors are forks of the keeper and look like it.
        return ours && runs("crankcase-keeper") &&
               parents == Numbers{static_cast<unsigned long>(pid_)};
    }
    if (kind == "init" || kind == "spawner") {
        // Both live in the container's pid namespace itself, boxes are one deeper (man 5 proc,
        // NSpid).
        const auto numbers = numbers_behind(status, "\nNSpid:");
        return in_range && runs("/crankcase/init") && numbers.size() == 2 &&
               (numbers[1] == 1) == (kind == "init");
    }
    // The PID 1 of a box is ours, whatever it is a copy of.
    const auto numbers = numbers_behind(status, "\nNSpid:");
    return in_range && runs(kind.c_str()) && !numbers.empty() && numbers.back() != 1;
}

std::string EngineProcess::left_behind() const {
    return support::left_behind(before_, instance_, first_uid_);
}

bool EngineProcess::wait_for_log(const std::string& word, int times) const {
    const auto give_up = std::chrono::steady_clock::now() + patiently(log_patience);
    while (std::chrono::steady_clock::now() < give_up) {
        const auto text = log();
        int found = 0;
        for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
            ++found;
        if (found >= times) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
}

std::string EngineProcess::log() const {
    return sys::try_read_file(scratch_.path + "/log").value_or("");
}

}  // namespace support
