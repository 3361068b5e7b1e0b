// Every system call of an engine fails once, one after the other, as SQLite tests its own: for
// N = 1, 2, … the N-th that is reached fails, until there is no N-th. Whatever it was: a job ends
// right or as the engine's fault, never as the program's; the next job is right; nothing stays.
#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <thread>

#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/installer.h"
#include "packages/store.h"
#include "packages/tree.h"
#include "tests/support/engine_process.h"
#include "tests/support/fail_control.h"
#include "tests/support/pace.h"
#include "tests/support/toy_recipe.h"

using support::EngineProcess;
using support::Json;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;

// A build without them has nothing to test here, and doctest says that it skipped.
const auto needs_fail_points = doctest::skip(!support::has_fail_points());

constexpr unsigned most_turns = 5000;  // against a loop that finds no end

// What a test has to have tried at least, where each turn has its turn.
unsigned at_least(unsigned turns) {
    return turns / support::every();
}

// How often each point was the one that failed.
class Tally {
public:
    explicit Tally(const char* what) : what_(what) {}
    ~Tally() {
        std::string names;
        for (const auto& [name, times] : times_)
            names += " " + name + (times > 1 ? "*" + std::to_string(times) : "");
        MESSAGE(what_, ": ", turns_, " turns failed at ", times_.size(), " points",
                support::said_of_turns(), ":", names);
    }
    void count(const std::string& name) {
        ++turns_;
        ++times_[name];
    }
    unsigned turns() const { return turns_; }

private:
    std::string what_;
    std::map<std::string, int> times_;
    unsigned turns_ = 0;
};

// One of everything: a small file, one that travels in a memfd, arguments, input, both streams.
Json job() {
    return {{"language", "bash"},
            {"version", "*"},
            {"files",
             {{{"name", "main.sh"},
               {"content", "cat; echo $1 >&2; wc -c <large; sleep 0.01; (sleep 10 &); exit 3"}},
              {{"name", "large"}, {"content", std::string(100'000, 'x')}}}},
            {"stdin", "sings\n"},
            {"args", {"an argument"}}};
}

bool is_right(const support::HttpAnswer& answer) {
    const auto run = answer.json()["run"];
    return answer.status == 200 && run["stdout"] == "sings\n100000\n" &&
           run["stderr"] == "an argument\n" && run["code"] == 3 && run["signal"].is_null();
}

bool is_the_engines_fault(const support::HttpAnswer& answer) {
    return answer.status == 500 || answer.status == 503;
}

// What goes on behind an answer (inspecting the runner, starting another) belongs to the turn.
void settle(const support::FailControl& control) {
    const auto give_up = std::chrono::steady_clock::now() + support::patiently(2s);
    unsigned before = control.reached();
    for (int quiet = 0; quiet < 3 && std::chrono::steady_clock::now() < give_up;) {
        std::this_thread::sleep_for(5ms);
        const auto now = control.reached();
        quiet = now == before ? quiet + 1 : 0;
        before = now;
    }
}

struct OneRunner : EngineProcess {
    OneRunner()
        : EngineProcess(Start::when_told, {"pool.runners=1", "admission.concurrent_jobs=1",
                                           "pool.start_timeout=5s"}) {}
};

// A recipe of one archive, and a store to install it into.
struct Shelf {
    support::Scratch place;

    Shelf() {
        place.path = "/dev/shm/ckshelf" + std::to_string(::getpid());  // synchronised in no time
        for (const std::string name : {"base", "toy"})
            support::add_toy_recipe(place.path, name, 10'000);
    }

    packages::InstallerSettings settings() const {
        return {.recipe_directories = {place.path + "/recipes"}};
    }
};

// Everything installed is whole, and no half of anything lies about once a transaction has begun.
std::string disorder(const packages::Store& store) {
    const auto sweeping = store.begin({});
    for (const auto& record : store.installed()) {
        for (const auto& complaint : store.verify(record)) return complaint;
    }
    for (const auto& entry : fs::directory_iterator{store.layers_directory()}) {
        const auto name = entry.path().filename().string();
        if (name.starts_with("staging") || name.starts_with("trash")) return name;
    }
    return {};
}

// Runs the action with the turn-th point failing; true if it threw. An engine's fault is broken (or
// busy), never the request's.
template <typename Action>
bool fails(support::FailControl& control, unsigned turn, int error, Action action) {
    control.arm(turn, error);
    try {
        action();
        control.disarm();
        return false;
    } catch (const sys::Error& failure) {
        control.disarm();
        const std::string why = failure.what();
        CAPTURE(why);
        CHECK(failure.kind() == sys::Kind::broken);
    }
    return true;
}

}  // namespace

TEST_CASE("fail points are in no program of a build that does not ask for them") {
    const auto programs = isolate::program_directory();
    for (const std::string name :
         {"crankcased", "crankcase", "crankcase-keeper", "crankcase-init"}) {
        CAPTURE(name);
        const bool has =
            sys::read_file(programs + "/" + name).find("CRANKCASE_FAIL") != std::string::npos;
        CHECK(has == support::has_fail_points());
    }
}

TEST_CASE(
    "whatever call fails during a job, no program is blamed for it and the next job is right" *
    needs_fail_points) {
    for (const int error : {ENOMEM, EIO}) {
        OneRunner engine;
        support::FailControl control{engine.run_directory()};
        engine.start();
        const auto first = engine.post("/api/v2/execute", job().dump());
        CAPTURE(first.body);
        CAPTURE(engine.log());
        REQUIRE(is_right(first));
        Tally tally{"a job"};
        for (unsigned turn = 1; turn < most_turns; turn += support::every()) {
            CAPTURE(turn);
            settle(control);
            control.arm(turn, error);
            const auto answer = engine.post("/api/v2/execute", job().dump());
            settle(control);
            const auto failed = control.disarm();
            CAPTURE(failed);
            CAPTURE(answer.status);
            CAPTURE(answer.body.substr(0, 300));
            CHECK((is_right(answer) || is_the_engines_fault(answer)));
            const auto next = engine.post("/api/v2/execute", job().dump());
            CAPTURE(next.status);
            CAPTURE(next.body.substr(0, 300));
            // A runner that died of it a moment ago may cost one more job, honestly.
            CHECK((is_right(next) || is_the_engines_fault(next)));
            if (!is_right(next)) CHECK(is_right(engine.post("/api/v2/execute", job().dump())));
            if (failed.empty()) break;
            tally.count(failed);
        }
        CHECK(tally.turns() > at_least(40));
        CHECK(engine.stop() == 0);
        CHECK(engine.left_behind() == "");
    }
}

TEST_CASE("whatever call fails while an engine starts, it serves in the end or says why it cannot" *
          needs_fail_points) {
    Tally tally{"a start"};
    OneRunner engine;
    support::FailControl control{engine.run_directory()};
    int refused = 0;
    // Opening and reading, hundreds of times for host toolchains, stand for themselves elsewhere.
    for (const std::string names : {"keeper.m", "keeper.o", "keeper.p", "keeper.f", "keeper.s",
                                    "keeper.u", "keeper.c", "keeper.l", "keeper.w", "guard", "init",
                                    "spawner", "sys.s", "sys.w", "sys.m", "runner"}) {
        for (unsigned turn = 1; turn < most_turns; turn += support::every()) {
            control.arm(turn, ENOMEM, names);
            engine.launch();
            const bool ready = engine.wait_until_ready(20s);
            const auto failed = control.disarm();
            CAPTURE(turn);
            CAPTURE(failed);
            if (ready) CHECK(is_right(engine.post("/api/v2/execute", job().dump())));
            const int code = engine.stop();
            CAPTURE(code);
            CHECK((ready ? code == 0 : code > 0));
            refused += ready ? 0 : 1;
            CHECK(engine.left_behind() == "");
            if (failed.empty()) break;
            tally.count(failed);
        }
    }
    CHECK(tally.turns() > at_least(60));
    CHECK(refused > 0);
}

TEST_CASE("whatever call fails while an engine stops, nothing stays on the host" *
          needs_fail_points) {
    Tally tally{"a stop"};
    OneRunner engine;
    support::FailControl control{engine.run_directory()};
    for (unsigned turn = 1; turn < most_turns; turn += support::every()) {
        CAPTURE(turn);
        engine.start();
        settle(control);
        control.arm(turn, ENOMEM);
        CHECK(engine.stop() == 0);
        const auto failed = control.disarm();
        CAPTURE(failed);
        CHECK(engine.left_behind() == "");
        if (failed.empty()) break;
        tally.count(failed);
    }
    CHECK(tally.turns() > at_least(3));
}

TEST_CASE("whatever call fails while a package is installed, it is there whole or not at all" *
          needs_fail_points) {
    const Shelf shelf;
    support::FailControl control{shelf.place.path + "/run", support::FailControl::Here::counts};
    for (const int error : {ENOMEM, ENOSPC}) {
        Tally tally{"an installation"};
        for (unsigned turn = 1; turn < most_turns; turn += support::every()) {
            CAPTURE(turn);
            const auto data = shelf.place.path + "/data";
            packages::remove_tree(data);
            const packages::Store store{data};
            packages::Installer installer{store, shelf.settings()};
            const packages::Request toy{.name = "toy", .range = "*", .libraries = {}};
            fails(control, turn, error, [&] { installer.install(toy, {}, {}); });
            auto failed = control.disarm();
            CAPTURE(failed);
            CHECK(disorder(store) == "");
            CHECK(installer.install(toy, {}, {}).name == "toy");
            CHECK(store.installed().size() == 2);
            CHECK(disorder(store) == "");
            if (failed.empty()) break;
            tally.count(failed);
        }
        CHECK(tally.turns() > at_least(20));
    }
}

TEST_CASE("whatever call fails while a package is removed, it is there whole or not at all" *
          needs_fail_points) {
    const Shelf shelf;
    support::FailControl control{shelf.place.path + "/run", support::FailControl::Here::counts};
    const packages::Store store{shelf.place.path + "/data"};
    packages::Installer installer{store, shelf.settings()};
    const packages::Request toy{.name = "toy", .range = "*", .libraries = {}};
    Tally tally{"a removal"};
    for (unsigned turn = 1; turn < most_turns; turn += support::every()) {
        CAPTURE(turn);
        installer.install(toy, {}, {});
        fails(control, turn, EIO, [&] {
            installer.uninstall(toy);
            store.begin({}).collect_garbage([](const std::string&) { return false; });
        });
        const auto failed = control.disarm();
        CAPTURE(failed);
        CHECK(disorder(store) == "");
        if (failed.empty()) break;
        tally.count(failed);
    }
    REQUIRE(store.installed().size() == 1);
    CHECK(store.installed().front().name == "base");  // which stays for the next package
    CHECK(tally.turns() > at_least(5));
}
