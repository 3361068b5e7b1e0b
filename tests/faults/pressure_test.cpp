// The world around a running engine goes bad: no descriptors, no disk, a log nobody reads, more
// requests than anybody could serve, processes that stand still. It says so, blames no program,
// and is as before when that is over.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "isolate/keeper_process.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"
#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/pace.h"
#include "tests/support/places.h"
#include "tests/support/toy_recipe.h"

using support::EngineProcess;
using support::Json;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string request(const std::string& code) {
    return Json{{"language", "bash"}, {"version", "*"}, {"files", {{{"content", code}}}}}.dump();
}

bool is_right(const support::HttpAnswer& answer) {
    return answer.status == 200 && answer.json()["run"]["stdout"] == "sings\n" &&
           answer.json()["run"]["code"] == 0;
}

bool sings(const EngineProcess& engine) {
    return is_right(engine.post("/api/v2/execute", request("echo sings")));
}

template <typename Condition>
bool soon(std::chrono::seconds patience, Condition condition) {
    const auto give_up = Clock::now() + support::patiently(patience);
    while (!condition()) {
        if (Clock::now() > give_up) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

// Of a process and all its threads, in clock ticks (man 5 proc, stat).
[[maybe_unused]] long cpu_ticks(pid_t pid) {
    const auto stat = sys::read_file("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields{stat.substr(stat.rfind(')') + 2)};
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    return user + system;
}

long resident_kib(pid_t pid) {
    const auto status = sys::read_file("/proc/" + std::to_string(pid) + "/status");
    return std::atol(status.substr(status.find("VmRSS:") + 6).c_str());
}

[[maybe_unused]] int open_descriptors(pid_t pid) {
    int count = 0;
    for ([[maybe_unused]] const auto& entry :
         fs::directory_iterator{"/proc/" + std::to_string(pid) + "/fd"})
        ++count;
    return count;
}

sys::UniqueFd dial(std::uint16_t port) {
    sys::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    // The socket interface wants the generic type; the layout is shared by design (man 7 ip).
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    return socket;
}

void send_job(const sys::UniqueFd& socket, const std::string& body) {
    const auto text =
        "POST /api/v2/execute HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    [[maybe_unused]] const auto sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

std::string read_to_end(const sys::UniqueFd& socket) {
    std::string text;
    char chunk[16384];
    for (ssize_t length = 0; (length = ::recv(socket.get(), chunk, sizeof chunk, 0)) > 0;)
        text.append(chunk, static_cast<std::size_t>(length));
    return text;
}

// Stops every process of a kind until it is destroyed.
class Frozen {
public:
    Frozen(const EngineProcess& engine, const std::string& kind) : pids_(engine.pids_of(kind)) {
        for (const auto pid : pids_) ::kill(pid, SIGSTOP);
    }
    Frozen(const Frozen&) = delete;
    Frozen& operator=(const Frozen&) = delete;
    ~Frozen() {
        for (const auto pid : pids_) ::kill(pid, SIGCONT);
    }
    const std::vector<pid_t>& pids() const { return pids_; }

private:
    const std::vector<pid_t> pids_;
};

// What a job gets whose runner stands still, as all do. A container that was just being replaced
// says nothing about that: then once more.
support::HttpAnswer answer_of_frozen(const EngineProcess& engine, const std::string& kind,
                                     const std::string& program) {
    for (int attempt = 1;; ++attempt) {
        REQUIRE(sings(engine));
        // Beside its own the engine has runners for programs that stand ready; they stay where none
        // does for a while, because one could not be started.
        REQUIRE(soon(10s, [&] {
            const auto told = support::parse_exposition(engine.get("/metrics").body);
            const auto in_state = [&](const std::string& state) {
                return told.value("crankcase_runners{state=\"" + state + "\"}");
            };
            return in_state("starting") == 0 && in_state("inspected") == 0 &&
                   in_state("leased") == told.value("crankcase_parked_programs") &&
                   in_state("ready") >= 1 &&
                   static_cast<double>(engine.pids_of(kind).size()) ==
                       told.sum("crankcase_runners");
        }));
        const Frozen frozen{engine, kind};
        auto answer = engine.post("/api/v2/execute", request(program));
        const bool was_replaced = engine.pids_of(kind) != frozen.pids();
        if (answer.status == 200 && was_replaced && attempt < 3) continue;
        CHECK((was_replaced || soon(support::patiently(10s),
                                    [&] { return engine.pids_of(kind) != frozen.pids(); })));
        return answer;
    }
}

// A small file system at the engine's data directory, until it is destroyed.
class SmallDisk {
public:
    SmallDisk(std::string path, const char* options) : path_(std::move(path)) {
        fs::create_directories(path_);
        REQUIRE(::mount("small", path_.c_str(), "tmpfs", 0, options) == 0);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    ~SmallDisk() { ::umount2(path_.c_str(), MNT_DETACH); }

    // Until not one byte or not one file more goes in.
    void fill(std::size_t bytes_each) const {
        for (int i = 0; i < 10'000; ++i) {
            std::ofstream file{path_ + "/filler" + std::to_string(i)};
            file << std::string(bytes_each, 'x') << std::flush;
            if (!file) return;
        }
    }
    void empty() const {
        for (const auto& entry : fs::directory_iterator{path_}) {
            if (entry.path().filename().string().starts_with("filler")) fs::remove(entry.path());
        }
    }

private:
    const std::string path_;
};

}  // namespace

TEST_CASE(
    "a runner whose init or spawner stands still costs its job an honest answer, and is replaced") {
    EngineProcess engine{{"pool.runners=1", "admission.concurrent_jobs=1"}};
    struct Case {
        std::string frozen, program;
        bool (*is_honest)(const support::HttpAnswer&);
    };
    const auto is_refused = [](const support::HttpAnswer& answer) { return answer.status == 500; };
    const Case cases[] = {
        // Nobody is left, which the box itself has said.
        {"init", "echo sings", is_right},
        {"init", "sleep 9 & echo sings", is_refused},
        // Whose started program is lost begins anew, and may find a runner that was replaced.
        {"spawner", "echo sings",
         [](const support::HttpAnswer& answer) {
             return answer.status == 500 || (support::places() > 0 && is_right(answer));
         }},
    };
    for (const auto& one : cases) {
        CAPTURE(one.frozen);
        CAPTURE(one.program);
        const auto answer = answer_of_frozen(engine, one.frozen, one.program);
        CAPTURE(answer.body);
        CAPTURE(engine.log());
        CHECK(one.is_honest(answer));
        CHECK(soon(support::patiently(10s), [&] { return sings(engine); }));
    }
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

// What the address sanitizer has freed it keeps for a while.
#ifdef __SANITIZE_ADDRESS__
constexpr long most_growth_kib = 400 * 1024;
#else
constexpr long most_growth_kib = 32 * 1024;
#endif

// The sanitizer of object types asks a pipe whether memory can be read, and takes a refusal for an
// object that is none: out of descriptors it reports every object.
#ifndef __SANITIZE_ADDRESS__
TEST_CASE("an engine out of descriptors spins on nothing, blames no program, and recovers") {
    EngineProcess engine{{"pool.runners=1", "admission.concurrent_jobs=1"}};
    REQUIRE(sings(engine));
    const auto at_rest = open_descriptors(engine.pids_of("server").at(0));
    for (const int room : {60, 75}) {
        CAPTURE(room);
        engine.stop();
        engine.limit_files(static_cast<unsigned>(at_rest + room));
        engine.start();
        REQUIRE(sings(engine));
        const auto server = engine.pids_of("server").at(0);
        std::vector<sys::UniqueFd> clients;
        // Each takes two; some come when there is none left, some jobs find too few for their
        // pipes.
        for (int i = 0; i < room / 2; ++i) {
            clients.push_back(dial(engine.port()));
            send_job(clients.back(), request("sleep 0.05; echo sings"));
        }
        const auto ticks = cpu_ticks(server);
        std::this_thread::sleep_for(500ms);
        CHECK(cpu_ticks(server) - ticks < ::sysconf(_SC_CLK_TCK) / 4);
        for (const auto& client : clients) {
            const auto text = read_to_end(client);
            CAPTURE(text);
            CHECK((text.empty() || text.starts_with("HTTP/1.1 50") ||
                   text.find("\"stdout\":\"sings\\n\"") != std::string::npos));
        }
        clients.clear();
        CHECK(soon(10s, [&] { return sings(engine); }));
    }
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}
#endif

TEST_CASE(
    "ten thousand requests are answered or refused with a time to come back, in flat memory") {
    EngineProcess engine{{"admission.queued_jobs=50"}};
    REQUIRE(sings(engine));
    const auto server = engine.pids_of("server").at(0);
    constexpr int rounds = 20, clients = 500;
    int right = 0, refused = 0, other = 0;
    long first_resident = 0;
    for (int round = 0; round < rounds; ++round) {
        std::vector<sys::UniqueFd> sockets;
        for (int i = 0; i < clients; ++i) {
            sockets.push_back(dial(engine.port()));
            send_job(sockets.back(), request("echo sings"));
        }
        // Half of them leave.
        for (int i = 0; i < clients; i += 2) sockets[static_cast<std::size_t>(i)].reset();
        for (int i = 1; i < clients; i += 2) {
            const auto text = read_to_end(sockets[static_cast<std::size_t>(i)]);
            const bool is_right = text.starts_with("HTTP/1.1 200") &&
                                  text.find(R"("stdout":"sings\n")") != std::string::npos;
            const bool is_refused =
                text.starts_with("HTTP/1.1 429") && text.find("Retry-After: ") != std::string::npos;
            ++(is_right ? right : is_refused ? refused : other);
            if (!is_right && !is_refused) MESSAGE("neither: ", text);
        }
        if (round == 1) first_resident = resident_kib(server);
    }
    CHECK(other == 0);
    CHECK(right > rounds);
    CHECK(refused > rounds);
    CHECK(resident_kib(server) < first_resident + most_growth_kib);
    CHECK(sings(engine));
    MESSAGE(right, " right, ", refused, " refused");
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE("requests whose clients have gone leave the queue") {
    EngineProcess engine{{"admission.queued_jobs=200"}};
    {
        std::vector<sys::UniqueFd> sockets;
        for (int i = 0; i < 150; ++i) {
            sockets.push_back(dial(engine.port()));
            send_job(sockets.back(), request("sleep 2.5"));
        }
        REQUIRE(soon(10s, [&] { return engine.pids_of("sleep").size() == 4; }));
    }
    // Served in turn they would take a minute and a half.
    const auto began = Clock::now();
    CHECK(sings(engine));
    CHECK(Clock::now() - began < 20s);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE(
    "told to stop under load, an engine finishes what runs, takes nothing new, and ends well") {
    for (int round = 0; round < 5; ++round) {
        CAPTURE(round);
        EngineProcess engine;
        std::atomic<int> right{0}, refused{0}, half{0};
        std::vector<std::jthread> clients;
        clients.reserve(8);
        for (int i = 0; i < 8; ++i) {
            clients.emplace_back([&](const std::stop_token& stop) {
                while (!stop.stop_requested()) {
                    const auto answer =
                        engine.post("/api/v2/execute", request("sleep 0.05; echo sings"));
                    if (is_right(answer)) {
                        ++right;
                    } else if (answer.status == 0 || answer.status == 503 || answer.status == 429) {
                        ++refused;
                        std::this_thread::sleep_for(1ms);
                    } else {
                        ++half;
                    }
                }
            });
        }
        REQUIRE(soon(10s, [&] { return right > 8; }));
        CHECK(engine.stop() == 0);
        clients.clear();
        CHECK(half == 0);
        CHECK(engine.log().find("drain_timed_out") == std::string::npos);
        CHECK(engine.left_behind() == "");
    }
}

TEST_CASE("a log that nobody reads stops no job, and says later how much of it is missing") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    sys::UniqueFd reader{ends[0]};
    sys::UniqueFd writer{ends[1]};
    const std::string filler(4096, '\n');
    REQUIRE(::fcntl(writer.get(), F_SETFL, O_NONBLOCK) == 0);
    EngineProcess engine{EngineProcess::Start::when_told};
    engine.log_to(writer.get());
    engine.start();
    while (::write(writer.get(), filler.data(), filler.size()) > 0) {
    }
    REQUIRE(::fcntl(writer.get(), F_SETFL, 0) == 0);  // as a shell would have left it
    for (int i = 0; i < 10; ++i) CHECK(sings(engine));
    char chunk[65536];
    while (::read(reader.get(), chunk, sizeof chunk) == sizeof chunk) {
    }
    CHECK(sings(engine));
    CHECK(engine.stop() == 0);
    writer.reset();
    std::string text;
    for (ssize_t length = 0; (length = ::read(reader.get(), chunk, sizeof chunk)) > 0;)
        text.append(chunk, static_cast<std::size_t>(length));
    CHECK(text.find("log_lines_dropped count=") != std::string::npos);
    CHECK(engine.left_behind() == "");
}

TEST_CASE("a disk without room or without inodes hinders no job, and an installation says so") {
    for (const std::string options :
         {"size=1m,mode=755,uid=65534", "nr_inodes=60,mode=755,uid=65534"}) {
        CAPTURE(options);
        const support::Scratch shelf{"/tmp/ckshelf" + std::to_string(::getpid())};
        for (const std::string name : {"base", "toy"})
            support::add_toy_recipe(shelf.path, name, 20'000);
        fs::copy(isolate::program_directory() + "/../share/crankcase/recipes/bash/bash.toml",
                 shelf.path + "/recipes");
        EngineProcess engine{EngineProcess::Start::when_told,
                             {"paths.recipes=" + shelf.path + "/recipes"}};
        {
            const SmallDisk disk{engine.data_directory(), options.c_str()};
            engine.start();
            disk.fill(options.starts_with("size") ? 10'000 : 1);
            for (int i = 0; i < 3; ++i) CHECK(sings(engine));
            const auto toy = R"({"language":"toy","version":"*"})";
            const auto refused = engine.post("/api/v2/packages", toy);
            CAPTURE(refused.body);
            CHECK(refused.status >= 500);
            CHECK(sings(engine));
            disk.empty();
            const auto installed = engine.post("/api/v2/packages", toy);
            CAPTURE(installed.body);
            CHECK(installed.status == 200);
            CHECK(sings(engine));
            CHECK(engine.stop() == 0);
        }
        CHECK(engine.left_behind() == "");
    }
}
