// kill -9 of what stands ready for jobs, again and again while they come: no answer is another one.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "isolate/sys/file.h"
#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/pace.h"

using support::EngineProcess;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// In the runner's own pid namespace (man 5 proc, NSpid), where no job is.
bool is_zygote(pid_t pid) {
    const auto status = sys::try_read_file("/proc/" + std::to_string(pid) + "/status").value_or("");
    const std::string label = "\nNSpid:";
    const auto at = status.find(label);
    if (at == std::string::npos) return false;
    std::istringstream line{
        status.substr(at + label.size(), status.find('\n', at + 1) - at - label.size())};
    int numbers = 0;
    for (int number = 0; line >> number;) ++numbers;
    return numbers == 2;
}

// A program of this test has no other socket than its gate, and that until it is let go.
bool is_at_gate(pid_t pid) {
    std::error_code error;
    for (const auto& entry :
         fs::directory_iterator{"/proc/" + std::to_string(pid) + "/fd", error}) {
        if (fs::read_symlink(entry.path(), error).string().starts_with("socket:")) return true;
    }
    return false;
}

// It is stopped first and looked at again: one that was let go meanwhile is a job, and goes on.
int kill_at_gates(const EngineProcess& engine) {
    int killed = 0;
    for (const auto pid : engine.pids_of("python3")) {
        if (is_zygote(pid) || !is_at_gate(pid)) continue;
        ::kill(pid, SIGSTOP);
        std::this_thread::sleep_for(1ms);
        const bool stands = is_at_gate(pid);
        ::kill(pid, stands ? SIGKILL : SIGCONT);
        killed += stands ? 1 : 0;
    }
    return killed;
}

int kill_zygotes(const EngineProcess& engine) {
    int killed = 0;
    for (const auto pid : engine.pids_of("python3")) {
        if (is_zygote(pid) && ::kill(pid, SIGKILL) == 0) ++killed;
    }
    return killed;
}

double starts(const EngineProcess& engine, const std::string& how) {
    double sum = 0;
    for (const auto& [name, value] : support::parse_exposition(engine.get("/metrics").body).samples)
        if (name.starts_with("crankcase_job_starts_total") &&
            name.find("start=\"" + how + "\"") != std::string::npos)
            sum += value;
    return sum;
}

struct Load {
    int clients = 1;
    std::chrono::milliseconds pause{0};
};

// While so many clients ask, kills again and again. Every answer has to be right.
void check_killing(const EngineProcess& engine, Load load, const std::string& how,
                   const std::function<int(const EngineProcess&)>& kill_some) {
    // Whoever is killed on the way to its gate is not started again for some seconds.
    constexpr int wanted_kills = 3;
    std::atomic<int> wrong{0}, right{0};
    std::string last_wrong;
    int killed = 0;
    {
        std::vector<std::jthread> clients;
        for (int client = 0; client < load.clients; ++client) {
            clients.emplace_back([&, client](const std::stop_token& stop) {
                for (int n = client; !stop.stop_requested(); n += load.clients) {
                    const auto text = std::to_string(n);
                    const support::Json request{
                        {"language", "python"},
                        {"version", "*"},
                        {"files", {{{"name", "main.py"}, {"content", "print(" + text + ")"}}}}};
                    const auto answer = engine.post("/api/v2/execute", request.dump());
                    const auto json = answer.json();
                    const bool is_right = answer.status == 200 && json["run"]["code"] == 0 &&
                                          json["run"]["stdout"] == text + "\n";
                    if (!is_right && wrong++ == 0) last_wrong = answer.body;
                    right += is_right ? 1 : 0;
                    std::this_thread::sleep_for(load.pause);
                }
            });
        }
        const auto give_up = std::chrono::steady_clock::now() + support::patiently(60s);
        while (std::chrono::steady_clock::now() < give_up &&
               (killed < wanted_kills || starts(engine, how) == 0)) {
            // Some have to live until a job takes them.
            std::this_thread::sleep_for(200ms);
            killed += kill_some(engine);
        }
    }
    CAPTURE(last_wrong);
    CHECK(wrong == 0);
    CHECK(right > 0);
    CHECK(killed >= wanted_kills);
    CHECK(starts(engine, how) > 0);
    MESSAGE(killed << " killed, " << right.load() << " answers");
}

}  // namespace

TEST_CASE("killing every program that stands ready, while jobs come, changes no answer") {
    EngineProcess engine{{"warm.parked=4", "warm.zygote=no"}};
    check_killing(engine, {.clients = 1, .pause = 20ms}, "warm", kill_at_gates);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE("killing every zygote, while jobs are forks of them, changes no answer") {
    EngineProcess engine{{"warm.parked=4"}};
    check_killing(engine, {.clients = 4}, "fork", kill_zygotes);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}
