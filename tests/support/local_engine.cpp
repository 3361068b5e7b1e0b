#include "tests/support/local_engine.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "isolate/sys/file.h"
#include "isolate/sys/socket.h"

namespace support {

namespace {

namespace fs = std::filesystem;

config::Settings settings_for(int number, int runners) {
    config::Settings settings;
    settings.instance = "cklocal" + std::to_string(::getpid()) + "n" + std::to_string(number);
    const auto directory = (fs::temp_directory_path() / settings.instance).string();
    settings.paths.run_directory = directory + "/run";
    settings.paths.data_directory = directory + "/data";
    settings.pool.runners = runners;
    // Above the ranges of EngineProcess.
    const auto range = static_cast<std::uint32_t>((::getpid() * 7 + number) % 64);
    settings.pool.first_uid = 1'000'000'000U + (512U + range) * 64U * 65536U;
    return settings;
}

isolate::Filter shipped_filter() {
    return isolate::compile_filter(
        sys::read_file(isolate::program_directory() + "/../share/crankcase/seccomp.policy"));
}

}  // namespace

LocalEngine::LocalEngine(int runners) {
    static int engines = 0;
    const auto settings = settings_for(engines++, runners);
    instance_ = settings.instance;
    directory_ = (fs::temp_directory_path() / settings.instance).string();
    fs::create_directories(settings.paths.data_directory + "/layers");
    // As the server does: a program that is gone is an error number, not a signal.
    ::signal(SIGPIPE, SIG_IGN);
    keeper_ = isolate::start_keeper(settings, {}, isolate::program_directory());
    auto [ours, theirs] = sys::socket_pair();
    const std::byte note[1]{};
    const std::span<const std::byte> pieces[] = {note};
    const int fd = keeper_.socket.get();
    sys::send_message(ours, pieces, std::span{&fd, 1});
    keeper_.socket.reset();
    keepers_ = std::move(ours);
    pool_ = std::make_unique<isolate::Pool>(settings.pool, shipped_filter(), std::move(theirs));
    engine_ = std::make_unique<engine::Engine>(*pool_);
}

LocalEngine::~LocalEngine() {
    engine_.reset();
    pool_.reset();
    ::waitpid(keeper_.pid, nullptr, 0);
    std::error_code error;
    fs::remove_all(directory_, error);
}

std::uint32_t LocalEngine::serial_of_next() {
    return pool_->lease({}).runner().serial();
}

std::shared_ptr<const engine::Runtime> plain_runtime(const std::string& program) {
    engine::Runtime runtime;
    runtime.language = "plain";
    runtime.version = "1.0.0";
    runtime.environment = {"PATH=/usr/bin:/bin"};
    runtime.run = {.argv = {program, "{main}", "{args}"}, .text = ""};
    return std::make_shared<const engine::Runtime>(std::move(runtime));
}

}  // namespace support
