// A real engine for tests: crankcased as it was built, beside this program, with an instance name,
// a run directory, a uid range and a port of its own. Stopped, and checked for what it left, by the
// destructor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/footprint.h"

namespace support {

using Json = nlohmann::ordered_json;

struct HttpAnswer {
    int status = 0;  // 0: no answer
    std::string body;
    std::string head{};  // all lines, without the empty one

    // The value of a header line; empty if there is none.
    std::string field(const std::string& name) const;

    Json json() const { return Json::parse(body, nullptr, false); }
};

// A directory that goes when this does; whether it was made is not its business.
struct Scratch {
    std::string path{};

    Scratch() = default;
    explicit Scratch(std::string where) : path(std::move(where)) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();
};

class EngineProcess {
public:
    // Starts and waits until /readyz says 200; throws with the log if that does not come. Settings
    // are "key=value". With few settings given: 4 runners, 4 jobs at once.
    explicit EngineProcess(std::vector<std::string> settings = {}, std::string config_file = {});
    // The same, but nothing is started before start() or launch().
    enum class Start { when_told };
    explicit EngineProcess(Start when, std::vector<std::string> settings = {});
    EngineProcess(const EngineProcess&) = delete;
    EngineProcess& operator=(const EngineProcess&) = delete;
    ~EngineProcess();

    std::uint16_t port() const { return port_; }
    pid_t pid() const { return pid_; }  // of the guard
    const std::string& instance() const { return instance_; }
    std::uint32_t first_uid() const { return first_uid_; }

    // The pids of a kind of process of this engine: "keeper", "server", "init", "spawner", or a
    // program's own name.
    std::vector<pid_t> pids_of(const std::string& kind) const;

    HttpAnswer get(const std::string& path) const;
    HttpAnswer post(const std::string& path, const std::string& body) const;

    // Any method with a JSON body; `fields` are whole header lines with their ends.
    HttpAnswer send(const std::string& method, const std::string& path, const std::string& body,
                    const std::string& fields = {}) const;

    // A request with these header lines and no others but Host, Connection and Content-Length.
    HttpAnswer ask(const std::string& method, const std::string& path, const std::string& fields,
                   const std::string& body = {}) const;

    // The status that a small job gets with this API key.
    int status_with_key(const std::string& key) const;

    // Runs one file through /api/v2/execute; `more` is merged into the request.
    Json run(const std::string& language, const std::string& code,
             Json more = Json::object()) const;

    bool wait_until_ready(std::chrono::seconds patience = std::chrono::seconds{60}) const;

    // Starts the same engine again after it was stopped or killed.
    void start();
    // The same without waiting for anything.
    void launch();
    // From the next start on the engine's standard error is this descriptor, not the file of log().
    void log_to(int fd) { log_fd_ = fd; }

    // The most descriptors that each process of the next start may have.
    void limit_files(unsigned most) { most_files_ = most; }

    std::string run_directory() const { return scratch_.path + "/run"; }
    std::string data_directory() const { return scratch_.path + "/data"; }
    // SIGTERM and wait; returns the exit code, or -signal.
    int stop();
    // SIGKILL of the guard; the rest must follow by itself.
    void kill_hard();

    // What is still on the host although the engine has ended; empty if nothing.
    std::string left_behind() const;

    std::string log() const;
    // True when the log has the word that many times; waits for it, but not for ever.
    bool wait_for_log(const std::string& word, int times) const;

private:
    void complain_of_sanitizers() const;
    bool is_a(const std::string& kind, pid_t pid) const;

    std::vector<std::string> settings_;
    std::string config_file_;
    std::string instance_;
    Scratch scratch_;
    std::uint32_t first_uid_ = 0;
    std::uint16_t port_ = 0;
    Footprint before_;
    pid_t pid_ = -1;
    int log_fd_ = -1;
    unsigned most_files_ = 0;
};

// Posts to /api/v2/execute, waits that long without reading, and closes the connection.
void abandon(std::uint16_t port, const std::string& body, std::chrono::milliseconds after);

}  // namespace support
