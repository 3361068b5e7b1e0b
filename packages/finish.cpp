#include "packages/finish.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "isolate/box.h"
#include "isolate/supervise.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/archive.h"

namespace packages {

namespace {

using namespace config::literals;

constexpr auto patience = std::chrono::minutes{5};
constexpr std::size_t longest_complaint = 2000;
constexpr std::uint64_t most_environment = 1 << 20;

// A package's script may do what an installer would: compile a library, build a cache.
config::Limits limits() {
    config::Limits limits;
    limits.wall_time = patience;
    limits.cpu_time = patience;
    limits.memory = 3_GiB;
    limits.processes = 256;
    limits.file_size = 2_GiB;
    limits.disk = 1_GiB;
    limits.disk_entries = 262'144;
    limits.output = 1_GiB;
    return limits;
}

struct Said {
    std::string complaint;  // the beginning of its standard error
    isolate::Exit exit;
};

// Runs the script in a box on these layers; what it writes goes to `out`.
Said run_script(const std::string& script, std::vector<std::string> environment,
                std::vector<std::string> layers, isolate::Pool& pool, std::stop_token stop,
                const std::function<void(std::string_view)>& out) {
    const isolate::Command command{
        .argv = {"/box/setup"},
        .environment = std::move(environment),
        .limits = limits(),
        .layers = std::move(layers),
    };
    isolate::Box box{pool.lease(stop), {command.limits.disk, command.limits.disk_entries}};
    box.place_script("setup", script.starts_with("#!") ? script : "#!/bin/sh\n" + script);
    Said said;
    const auto began = std::chrono::steady_clock::now();
    said.exit = isolate::supervise(box.start(command), box.runner(),
                                   {.limits = command.limits,
                                    .standard_in = {},
                                    .sink =
                                        [&](isolate::Stream stream, std::string_view bytes) {
                                            if (stream == isolate::Stream::standard_out)
                                                return out(bytes);
                                            const auto room =
                                                longest_complaint - said.complaint.size();
                                            said.complaint += bytes.substr(0, room);
                                        },
                                    .stop = std::move(stop),
                                    .began = began});
    box.runner().cgroup().end();
    return said;
}

void require_success(const Said& said, const Record& record, const char* what) {
    if (said.exit.cause == isolate::Cause::own_exit && said.exit.code == 0) return;
    throw sys::Error(sys::Kind::broken, std::string{"the "} + what + " script of " + record.name +
                                            "=" + record.version + " failed" +
                                            (said.exit.cause == isolate::Cause::own_exit
                                                 ? " with code " + std::to_string(said.exit.code)
                                                 : " or was ended by its limits") +
                                            (said.complaint.empty() ? "" : ": " + said.complaint));
}

void write_all(const sys::UniqueFd& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) sys::fail("write what a setup script made");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

// A file without a name: it goes with its descriptor. (Not every file system has O_TMPFILE.)
sys::UniqueFd nameless_file(const Store& store) {
    auto name = store.cache_directory() + "/setup-XXXXXX";
    sys::UniqueFd file{::mkostemp(name.data(), O_CLOEXEC)};
    if (!file) sys::fail("make a file in " + store.cache_directory());
    ::unlink(name.c_str());
    return file;
}

// What it made before is not there while the script runs, and is replaced.
void run_setup(Record& record, const std::string& script, const std::vector<Record>& records,
               const Store& store, const Transaction& transaction, isolate::Pool& pool,
               std::stop_token stop) {
    if (record.layers.size() > 1)
        record.layers.erase(record.layers.begin(), record.layers.end() - 1);
    const auto tar = nameless_file(store);
    const auto said =
        run_script(script,
                   {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                    "HOME=/tmp", "LANG=C.UTF-8"},
                   root_layers(records, record), pool, stop,
                   [&](std::string_view bytes) { write_all(tar, bytes); });
    require_success(said, record, "setup");
    if (::lseek(tar.get(), 0, SEEK_SET) != 0) sys::fail("lseek");
    auto staging = transaction.begin_layer();
    unpack(tar, staging.directory(),
           {.name = "what the setup of " + record.name + " made", .absolute_links = true}, {},
           stop);
    record.layers.insert(
        record.layers.begin(),
        transaction.publish(std::move(staging), record.name + "-setup", record.version));
    record.pending_setup.clear();
    record.stale_setup.clear();
}

void fill_environment(Record& record, const std::vector<Record>& records, isolate::Pool& pool,
                      std::stop_token stop) {
    std::string text;
    const auto said = run_script(
        record.pending_environment, {}, root_layers(records, record), pool, std::move(stop),
        [&](std::string_view bytes) {
            text += bytes.substr(
                0, most_environment - std::min<std::size_t>(most_environment, text.size()));
        });
    require_success(said, record, "environment");
    for (auto& provided : record.provides) provided.environment = parse_environment(text);
    record.pending_environment.clear();
}

}  // namespace

Record finish(const Record& record, const std::vector<Record>& records, const Store& store,
              const Transaction& transaction, isolate::Pool& pool, std::stop_token stop) {
    auto finished = record;
    const auto& script = record.pending_setup.empty() ? record.stale_setup : record.pending_setup;
    if (!script.empty()) run_setup(finished, script, records, store, transaction, pool, stop);
    if (!finished.pending_environment.empty()) fill_environment(finished, records, pool, stop);
    finished.trouble.clear();
    return finished;
}

std::vector<std::string> parse_environment(std::string_view text) {
    constexpr std::string_view of_the_shell[] = {"PWD=", "OLDPWD=", "_=", "SHLVL="};
    std::vector<std::string> environment;
    while (!text.empty()) {
        const auto end = std::min(text.find('\0'), text.size());
        const auto variable = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto equals = variable.find('=');
        const bool own = std::ranges::any_of(
            of_the_shell, [&](const auto& prefix) { return variable.starts_with(prefix); });
        if (equals != std::string_view::npos && equals > 0 && !own)
            environment.emplace_back(variable);
    }
    return environment;
}

}  // namespace packages
