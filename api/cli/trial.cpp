#include "api/cli/trial.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "isolate/pool.h"
#include "isolate/self_test.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"
#include "isolate/sys/socket.h"

namespace cli {

namespace {

constexpr std::uint32_t ids_per_runner = 65536;
constexpr auto start_patience = config::Milliseconds{5000};

// Gone with this value, which outlives the keeper.
struct Directory {
    std::string path;
    ~Directory() {
        std::error_code error;
        std::filesystem::remove_all(path, error);
    }
};

struct Keeper {
    isolate::KeeperProcess process;
    ~Keeper() {
        process.socket.reset();
        ::waitpid(process.pid, nullptr, 0);
    }
};

// The socket from which a pool takes its keeper, with that one keeper in it.
std::pair<sys::UniqueFd, sys::UniqueFd> deliver(isolate::KeeperProcess& keeper) {
    auto [ours, theirs] = sys::socket_pair();
    if (!ours) sys::fail("socketpair");
    const std::byte note[1]{};
    const std::span<const std::byte> pieces[] = {note};
    const int fd = keeper.socket.get();
    sys::send_message(ours, pieces, std::span{&fd, 1});
    keeper.socket.reset();
    return {std::move(ours), std::move(theirs)};
}

config::Settings of_trial(config::Settings settings) {
    settings.instance = "ckdoctor" + std::to_string(::getpid());
    settings.paths.run_directory = "/run/" + settings.instance;
    settings.paths.data_directory = settings.paths.run_directory + "/data";
    const auto next = static_cast<std::uint64_t>(settings.pool.first_uid) +
                      static_cast<std::uint64_t>(settings.most_runners()) * ids_per_runner;
    // The range behind the engine's own; where none is left, one that no engine of ours takes.
    const bool fits = next + ids_per_runner < ~std::uint32_t{0};
    settings.pool.first_uid = fits ? static_cast<std::uint32_t>(next) : ids_per_runner;
    settings.pool.runners = 1;
    settings.pool.start_timeout = start_patience;
    return settings;
}

}  // namespace

TrialResult try_boxes(config::Settings settings, const isolate::DaemonUser& user,
                      const std::string& seccomp_policy) {
    settings = of_trial(std::move(settings));
    auto filter = isolate::compile_filter(sys::read_file(seccomp_policy));
    sys::log_nothing();          // what goes wrong is returned
    ::signal(SIGPIPE, SIG_IGN);  // a keeper that is gone is an error number
    const Directory directory{settings.paths.run_directory};
    sys::make_directories(settings.paths.data_directory + "/layers");
    Keeper keeper{isolate::start_keeper(settings, user, isolate::program_directory())};
    TrialResult result;
    try {
        auto [ours, theirs] = deliver(keeper.process);
        isolate::Pool pool{settings.pool, std::move(filter), std::move(theirs)};
        auto lease = pool.lease({});  // has passed its self-test, or there is none
        result.self_test = "";
        result.memory_kill = isolate::memory_kill_test(std::move(lease));
    } catch (const sys::Error& error) {
        (result.self_test ? result.memory_kill : result.self_test) = error.what();
    }
    return result;
}

bool sweep(const config::Settings& settings, const isolate::DaemonUser& user) {
    auto keeper = isolate::start_keeper(settings, user, isolate::program_directory());
    keeper.socket.reset();  // nobody to work for: it sweeps and ends
    int status = 0;
    ::waitpid(keeper.pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace cli
