#include "config/knobs.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "config/knob_kinds.h"

namespace config {

namespace {

using namespace kinds;

using Knobs = std::vector<Knob>;

// May change while the engine runs: whoever uses the value looks it up each time.
Knob reloads(Knob knob) {
    knob.reloadable = true;
    return knob;
}

Knobs reload(Knobs knobs) {
    for (auto& knob : knobs) knob.reloadable = true;
    return knobs;
}

Knob hidden(Knob knob, Secrecy secrecy) {
    knob.secrecy = secrecy;
    return knob;
}

Knobs program_knobs() {
    return {
        text("instance", "", at(&Settings::instance), plain_name,
             "Name of this engine in cgroups and containers"),
        text("user", "", at(&Settings::user), plain_name,
             "System user the daemon becomes once its keeper runs"),
        reloads(choice("log_level", "PISTON_LOG_LEVEL", at(&Settings::log_level),
                       {"debug", "info", "warn", "error", "none"},
                       "Least important lines that are logged: debug, info, warn, error or none")),
    };
}

Knobs server_knobs() {
    const auto of = [](auto member) { return at(&Settings::server, member); };
    const auto patience = Range{Milliseconds{100}, Milliseconds{std::chrono::hours{24}}};
    return {
        text("server.listen", "PISTON_BIND_ADDRESS", of(&Server::listen), listen_address,
             "Address and port that are served; none: server.socket alone"),
        text("server.socket", "", of(&Server::socket), directory_or_empty,
             "Path of a Unix socket that is served as well; empty: none"),
        text("server.socket_mode", "", of(&Server::socket_mode), mode,
             "Who may connect to it, as permissions of a file"),
        text("server.socket_group", "", of(&Server::socket_group), plain_name_or_empty,
             "Group it belongs to; empty: that of the engine's user"),
        ranged("server.io_threads", "", of(&Server::io_threads), Range{1, 64},
               "Threads that read requests and write answers"),
        ranged("server.max_connections", "", of(&Server::max_connections), Range{1, 1'000'000},
               "Clients connected at once; further ones are turned away"),
        ranged("server.connections_per_address", "", of(&Server::connections_per_address),
               Range{0, 1'000'000}, "Connections of one address (of IPv6: one /64); 0: any number"),
        list("server.uncapped", of(&Server::uncapped), network,
             "Addresses and networks whose connections are not counted"),
        ranged("server.body_limit", "", of(&Server::body_limit), Range{1_KiB, 1_GiB},
               "Largest body of a request"),
        ranged("server.header_limit", "", of(&Server::header_limit), Range{1_KiB, 1_MiB},
               "Largest header of a request"),
        ranged("server.header_timeout", "", of(&Server::header_timeout), patience,
               "From the first byte of a request to the end of its header"),
        ranged("server.body_timeout", "", of(&Server::body_timeout), patience,
               "From the end of the header to the end of the body"),
        ranged("server.idle_timeout", "", of(&Server::idle_timeout), patience,
               "Between two requests on one connection"),
        ranged("server.write_timeout", "", of(&Server::write_timeout), patience,
               "Without the client taking a byte of its answer"),
        ranged("server.write_rate", "", of(&Server::write_rate), Range{0_B, 1_GiB},
               "Bytes a second that a client must take of an answer it takes longer for; 0: any"),
        ranged("server.write_buffer", "", of(&Server::write_buffer), Range{1_MiB, 64_GiB},
               "Answers not yet taken, all clients together"),
        reloads(choice("server.content_types", "", of(&Server::content_types), {"json", "any"},
                       "Bodies that are read: json (those sent as application/json) or any")),
        reloads(list("server.cors_origins", of(&Server::cors_origins), origin,
                     "Web pages whose scripts may use the API; \"*\": all")),
        reloads(list("server.trusted_proxies", of(&Server::trusted_proxies), network,
                     "Proxies whose X-Forwarded-For is believed")),
        reloads(list("server.hosts", of(&Server::hosts), host_name,
                     "Names this engine is called by, besides those of the loopback; \"*\": any")),
        yes_or_no("server.pages", of(&Server::pages),
                  "Whether to serve pages for people: /playground, /docs and /openapi.json"),
    };
}

Knobs key_knobs() {
    const auto of = [](auto member) { return at(&Settings::keys, member); };
    return {
        text("keys.file", "", of(&Keys::file), directory_or_empty,
             "File with the API keys that `crankcase key` makes; empty: nobody needs one"),
        yes_or_no("keys.required", of(&Keys::required),
                  "Whether, where there is such a file, clients without a key may send no jobs"),
    };
}

Knobs facade_knobs() {
    const auto of = [](auto member) { return at(&Settings::facade, member); };
    const auto jobs = Range{0, 1'000'000};
    const auto window = Range{Milliseconds{1}, Milliseconds{std::chrono::hours{1}}};
    return {
        list("facade.cors_origins", of(&Facade::cors_origins), origin_or_auto,
             "Web pages whose scripts may use these paths; \"*\": all"),
        ranged("facade.rate_limit", "", of(&Facade::rate_limit), jobs,
               "Jobs a client may send to /api/v2/piston in one window; 0: any number"),
        ranged("facade.rate_window", "", of(&Facade::rate_window), window, "That window"),
        ranged("facade.v1_rate_limit", "", of(&Facade::v1_rate_limit), jobs,
               "Jobs a client may send to /api/v1/piston in one window; 0: any number"),
        ranged("facade.v1_rate_window", "", of(&Facade::v1_rate_window), window, "That window"),
        text("facade.keys_file", "", of(&Facade::keys_file), directory_or_empty,
             "File with the keys, one a line, of clients that no rate limit is for; empty: none"),
        yes_or_no("facade.keys_required", of(&Facade::keys_required),
                  "Whether clients without such a key may send no jobs at all"),
    };
}

Knobs pool_knobs() {
    const auto of = [](auto member) { return at(&Settings::pool, member); };
    return {
        ranged("pool.runners", "", of(&Pool::runners), Range{1, 1024},
               "Containers kept ready; at least admission.concurrent_jobs"),
        ranged("pool.jobs_per_runner", "", of(&Pool::jobs_per_runner), Range{1, 1'000'000},
               "Jobs after which a container is replaced by a fresh one"),
        ranged("pool.start_timeout", "", of(&Pool::start_timeout),
               Range{Milliseconds{100}, Milliseconds{std::chrono::hours{1}}},
               "From starting a container to its being ready"),
        // Below lie the host's own users; above there must be room for 65536 ids a runner.
        ranged("pool.first_uid", "", of(&Pool::first_uid),
               Range{std::uint32_t{65'536}, std::uint32_t{4'000'000'000}},
               "First of the host's user and group ids for containers, 65536 ids each"),
        text("pool.cgroup", "", of(&Pool::cgroup), group,
             "Cgroup in which the containers' groups are made; \"auto\": chosen at start"),
    };
}

Knobs warm_knobs() {
    const auto of = [](auto member) { return at(&Settings::warm, member); };
    return {
        ranged("warm.memory", "", of(&Warm::memory), Range{0_B, 1024_GiB},
               "Memory for programs that are kept started ahead of their jobs; 0: none are"),
        ranged("warm.parked", "", of(&Warm::parked), Range{0, 256},
               "The most of them at once; 0: none"),
        ranged("warm.age", "", of(&Warm::age),
               Range{Milliseconds{1000}, Milliseconds{std::chrono::hours{1}}},
               "After which one that was not needed is ended"),
        yes_or_no("warm.zygote", of(&Warm::zygote), "Whether jobs may be forks of one interpreter"),
    };
}

Knobs compile_knobs() {
    const auto of = [](auto member) { return at(&Settings::compile, member); };
    return {
        ranged("compile.cache", "", of(&Compile::cache), Range{0_B, 1024_GiB},
               "Disk for results of compile stages, given to jobs that would compile the same; 0: "
               "none"),
        ranged("compile.cache_entry", "", of(&Compile::cache_entry), Range{4_KiB, 256_MiB},
               "The most that one of them may take"),
    };
}

Knobs admission_knobs() {
    const auto of = [](auto member) { return at(&Settings::admission, member); };
    return {
        ranged("admission.concurrent_jobs", "PISTON_MAX_CONCURRENT_JOBS",
               of(&Admission::concurrent_jobs), Range{1, 1024}, "Jobs that run at once"),
        ranged("admission.queued_jobs", "", of(&Admission::queued_jobs), Range{0, 1'000'000},
               "Jobs that may wait for their turn; further ones are refused as busy"),
        ranged("admission.queued_bytes", "", of(&Admission::queued_bytes), Range{1_MiB, 64_GiB},
               "Memory of the waiting jobs together; further ones are refused as busy"),
        ranged("admission.client_share", "", of(&Admission::client_share), Range{1, 100},
               "Percent of both that one client may fill; its further jobs are refused as busy"),
    };
}

Knobs path_knobs() {
    const auto of = [](auto member) { return at(&Settings::paths, member); };
    return {
        text("paths.run_directory", "", of(&Paths::run_directory), directory,
             "Directory for the lock and the mount points, made at start"),
        text("paths.data_directory", "PISTON_DATA_DIRECTORY", of(&Paths::data_directory), directory,
             "Directory of the installed packages, made at start and owned by the engine's user"),
        text("paths.recipes", "", of(&Paths::recipes), directory_or_empty,
             "Directory of the language recipes; empty: beside the program, then /usr/share"),
        text("paths.seccomp_policy", "", of(&Paths::seccomp_policy), directory_or_empty,
             "File with the system call policy; empty: beside the program, then /usr/share"),
    };
}

Knobs protection_knobs() {
    const auto of = [](auto member) { return at(&Settings::protection, member); };
    return {
        yes_or_no("protection.daemon_filter", of(&Protection::daemon_filter),
                  "Whether the server, which reads what others send, has a system call filter"),
        yes_or_no("protection.keeper_filter", of(&Protection::keeper_filter),
                  "Whether the keeper, which stays root, and its containers have one"),
        yes_or_no(
            "protection.landlock", of(&Protection::landlock),
            "Whether the server may reach only the files, the port and the processes it needs"),
        list("protection.readable", of(&Protection::readable), directory,
             "Files and directories the server may read besides those it needs"),
        ranged("protection.oom_protection", "", of(&Protection::oom_protection), Range{0, 1000},
               "What is taken off the engine's own score when memory is short; jobs get 1000 more"),
        ranged("protection.memory", "", of(&Protection::memory), Range{64_MiB, unlimited_bytes},
               "Memory of the engine's own processes together, where their cgroup is delegated"),
    };
}

Knobs package_knobs() {
    const auto of = [](auto member) { return at(&Settings::packages, member); };
    return {
        choice("packages.api", "", of(&Packages::api), {"off", "local", "token"},
               "Who may install packages over HTTP: off (nobody), local (clients of this "
               "machine) or token"),
        hidden(text("packages.token", "", of(&Packages::token), secret_or_empty,
                    "What such clients send as \"Authorization: Bearer ...\" where api is token"),
               Secrecy::secret),
        hidden(text("packages.index", "PISTON_REPO_URL", of(&Packages::index), address_or_empty,
                    "Address of a Piston package index; empty: none"),
               Secrecy::password),
        text("packages.index_key", "", of(&Packages::index_key), secret_or_empty,
             "Base64 of the ed25519 key that signs the index; empty: it is not signed"),
        hidden(text("packages.npm", "", of(&Packages::npm), address_or_empty,
                    "Base address of the npm registry; empty: as npm has it"),
               Secrecy::password),
        hidden(text("packages.pypi", "", of(&Packages::pypi), address_or_empty,
                    "Base address of the Python package index; empty: as pip has it"),
               Secrecy::password),
        hidden(text("packages.maven", "", of(&Packages::maven), address_or_empty,
                    "Base address of the Maven repository; empty: as Maven has it"),
               Secrecy::password),
        hidden(text("packages.go", "", of(&Packages::go), address_or_empty,
                    "Base address of the Go module proxy; empty: as go has it"),
               Secrecy::password),
        text("packages.recipes", "", of(&Packages::recipes), directory_or_empty,
             "Directory of recipes of your own; empty: none"),
        yes_or_no("packages.offline", of(&Packages::offline),
                  "Whether to install from the cache and from bundles only"),
        ranged("packages.least_rate", "", of(&Packages::least_rate), Range{0_B, 1_GiB},
               "Bytes a second below which a download is given up and tried again; 0: any"),
        choice("packages.accept_pinned_versions", "", of(&Packages::accept_pinned_versions),
               {"no", "known", "any"},
               "Exact versions that run on the nearest installed one: no, known "
               "(hard-coded by many) or any"),
    };
}

Knobs websocket_knobs() {
    const auto of = [](auto member) { return at(&Settings::websocket, member); };
    const auto time = Range{Milliseconds{10}, unlimited_time};
    return {
        ranged("websocket.max_jobs", "", of(&WebSocket::max_jobs), Range{0, 4096},
               "Interactive jobs at once; each takes one of admission.concurrent_jobs"),
        ranged("websocket.init_timeout", "", of(&WebSocket::init_timeout), time,
               "Time from the connection to the message that begins the job"),
        ranged("websocket.idle_timeout", "", of(&WebSocket::idle_timeout), time,
               "Time without a message either way, after which the job is killed"),
        ranged("websocket.run_timeout", "", of(&WebSocket::run_timeout), time,
               "Time by the clock of an interactive run stage that asks for no less"),
        ranged("websocket.output_limit", "", of(&WebSocket::output_limit),
               Range{0_B, unlimited_bytes}, "Output of each stream and stage of such a job"),
        ranged("websocket.input_buffer", "", of(&WebSocket::input_buffer), Range{1_KiB, 64_MiB},
               "Input that waits for the job before its client has to"),
    };
}

Knobs dialect_knobs() {
    const auto of = [](auto... members) { return at(&Settings::dialects, members...); };
    const auto time = Range{Milliseconds{1000}, longest_time};
    const auto size = Range{1_MiB, unlimited_bytes};
    const auto share = Range{0, 100'000};
    const auto base64 = &Dialects::base64_jobs;
    const auto executor = &Dialects::code_executor;
    auto knobs = reload({
        choice("dialects.execute", "", of(&Dialects::execute), {"mini-piston", "base64-jobs"},
               "Which of two services POST /execute is: mini-piston or base64-jobs"),
        ranged("dialects.base64_jobs.timeout", "", of(base64, &Base64Jobs::timeout), time,
               "Time by the clock of a whole job, and the most that can be asked for"),
        ranged("dialects.base64_jobs.memory", "", of(base64, &Base64Jobs::memory), size,
               "Memory of a job; a compiler has what limits.compile gives it, if that is more"),
        ranged("dialects.base64_jobs.disk", "", of(base64, &Base64Jobs::disk),
               Range{64_KiB, unlimited_bytes}, "Job directory, /tmp and /dev/shm together"),
        ranged("dialects.base64_jobs.cpu_percent", "", of(base64, &Base64Jobs::cpu_percent), share,
               "Share of one processor; 0: no quota"),
        list("dialects.base64_jobs.cors_origins", of(base64, &Base64Jobs::cors_origins),
             origin_or_auto, "Web pages whose scripts may use its paths; \"*\": all"),
        ranged("dialects.code_executor.timeout", "", of(executor, &CodeExecutor::timeout), time,
               "Time by the clock of a whole job that asks for none"),
        ranged("dialects.code_executor.max_timeout", "", of(executor, &CodeExecutor::max_timeout),
               time, "The most that counts, of a job that asks"),
        ranged("dialects.code_executor.memory", "", of(executor, &CodeExecutor::memory), size,
               "Memory of a job that asks for none; a compiler has what limits.compile gives it"),
        ranged("dialects.code_executor.max_memory", "", of(executor, &CodeExecutor::max_memory),
               size, "The most that counts, of a job that asks"),
        ranged("dialects.code_executor.cpu_percent", "", of(executor, &CodeExecutor::cpu_percent),
               share, "Share of one processor, of a job that asks for none; 0: no quota"),
        ranged("dialects.code_executor.max_cpu_percent", "",
               of(executor, &CodeExecutor::max_cpu_percent), share,
               "The most that counts, of a job that asks; 0: no quota"),
    });
    knobs.push_back(reload({ranged("dialects.picobytes.max_timeout", "",
                                   of(&Dialects::picobytes, &Picobytes::max_timeout), time,
                                   "Time by the clock of a whole submission, Valgrind included, "
                                   "that counts of one that asks")})
                        .front());
    knobs.insert(knobs.begin(), list("dialects.enabled", of(&Dialects::enabled), dialect,
                                     "Services besides Piston whose paths are answered"));
    return knobs;
}

Knobs grading_knobs() {
    const auto of = [](auto member) { return at(&Settings::grading, member); };
    return {
        ranged("grading.max_tests", "", of(&Grading::max_tests), Range{1, 10'000},
               "Tests of one job"),
        ranged("grading.max_bytes", "", of(&Grading::max_bytes), Range{1_KiB, 1_GiB},
               "Input, arguments and expected output of all tests of a job together"),
        ranged("grading.parallel", "", of(&Grading::parallel), Range{1, 1024},
               "Tests of one job at once; each takes one of admission.concurrent_jobs"),
        ranged("grading.shown_output", "", of(&Grading::shown_output), Range{0_B, 64_MiB},
               "Bytes of each stream of a test that the answer shows"),
        ranged("grading.total_output", "", of(&Grading::total_output), Range{0_B, 1_GiB},
               "Bytes of output that the answer shows of all tests together"),
    };
}

Knobs grpc_knobs() {
    const auto of = [](auto member) { return at(&Settings::grpc, member); };
    const auto time = Range{Milliseconds{1000}, Milliseconds{std::chrono::hours{24}}};
    return {
        text("grpc.listen", "", of(&Grpc::listen), grpc_address,
             "Address and port that are served by gRPC; empty: none"),
        ranged("grpc.message_limit", "", of(&Grpc::message_limit), Range{1_KiB, 1_GiB},
               "Largest message of a client"),
        ranged("grpc.max_calls", "", of(&Grpc::max_calls), Range{1, 1'000'000},
               "Calls open at once, all clients together; further ones are refused as busy"),
        ranged("grpc.memory", "", of(&Grpc::memory), Range{1_MiB, 64_GiB},
               "Messages that are on their way, all clients together"),
        ranged("grpc.idle_timeout", "", of(&Grpc::idle_timeout), time,
               "Time after which a connection without a call is closed"),
        ranged("grpc.ping_interval", "", of(&Grpc::ping_interval), time,
               "Time after which a silent client is asked whether it is still there"),
    };
}

Knobs metrics_knobs() {
    const auto of = [](auto member) { return at(&Settings::metrics, member); };
    return {
        reloads(yes_or_no("metrics.enabled", of(&Metrics::enabled),
                          "Whether /metrics tells what Prometheus asks for")),
        text("metrics.listen", "", of(&Metrics::listen), host_and_port_or_empty,
             "Address and port of /metrics alone; empty: it is on server.listen"),
        reloads(hidden(text("metrics.token", "", of(&Metrics::token), secret_or_empty,
                            "What readers of /metrics may send as \"Authorization: Bearer ...\""),
                       Secrecy::secret)),
    };
}

Knobs audit_knobs() {
    const auto of = [](auto member) { return at(&Settings::audit, member); };
    return {
        text("audit.file", "", of(&Audit::file), directory_or_empty,
             "File that gets a line of JSON for every job; empty: none"),
        choice("audit.sync", "", of(&Audit::sync), {"each", "second", "no"},
               "When a line is on the disk: before its answer (each), a second later, or no time"),
        yes_or_no("audit.required", of(&Audit::required),
                  "Whether no job runs while its line cannot be written"),
    };
}

Knobs doctor_knobs() {
    return {
        list("doctor.override", at(&Settings::doctor, &Doctor::override), finding,
             "Findings of `crankcase doctor` with which the engine shall serve all the same"),
    };
}

Knobs limit_knobs(const std::string& stage, const std::string& piston,
                  Limits StageLimits::*limits) {
    const auto key = [&](const char* name) { return "limits." + stage + "." + name; };
    const auto of = [=](auto member) { return at(&Settings::limits, limits, member); };
    const auto time = Range{Milliseconds{1}, unlimited_time};
    const auto size = Range{0_B, unlimited_bytes};
    return {
        ranged(key("wall_time"), piston + "TIMEOUT", of(&Limits::wall_time), time,
               "Time by the clock"),
        ranged(key("cpu_time"), piston + "CPU_TIME", of(&Limits::cpu_time), time,
               "Processor time of all processes and threads together"),
        ranged(key("memory"), piston + "MEMORY_LIMIT", of(&Limits::memory),
               Range{1_MiB, unlimited_bytes}, "Memory of all processes and the files they wrote"),
        ranged(key("processes"), "PISTON_MAX_PROCESS_COUNT", of(&Limits::processes),
               Range{1, unlimited_count}, "Processes and threads at once"),
        ranged(key("open_files"), "PISTON_MAX_OPEN_FILES", of(&Limits::open_files),
               Range{4, unlimited_count}, "Open files of one process"),
        ranged(key("file_size"), "PISTON_MAX_FILE_SIZE", of(&Limits::file_size), size,
               "Size of any one file"),
        // The kernel takes a tmpfs of no size or no entries for one without a limit (man 5 tmpfs).
        ranged(key("disk"), "", of(&Limits::disk), Range{64_KiB, unlimited_bytes},
               "Job directory, /tmp and /dev/shm together"),
        ranged(key("disk_entries"), "", of(&Limits::disk_entries), Range{16, unlimited_count},
               "Files, directories and links in those"),
        ranged(key("output"), "PISTON_OUTPUT_MAX_SIZE", of(&Limits::output), size,
               "Bytes on standard output, and as many on standard error"),
        ranged(key("cpu_percent"), "", of(&Limits::cpu_percent), Range{0, 100'000},
               "Share of one processor, all processes together; 0: no quota"),
    };
}

}  // namespace

std::vector<Knob> all_knobs() {
    auto all = Knobs{};
    for (auto& section : {
             program_knobs(),
             server_knobs(),
             reload(key_knobs()),
             reload(facade_knobs()),
             pool_knobs(),
             warm_knobs(),
             compile_knobs(),
             admission_knobs(),
             path_knobs(),
             protection_knobs(),
             reload(package_knobs()),
             reload(websocket_knobs()),
             dialect_knobs(),
             reload(grading_knobs()),
             grpc_knobs(),
             metrics_knobs(),
             audit_knobs(),
             doctor_knobs(),
             reload(limit_knobs("compile", "PISTON_COMPILE_", &StageLimits::compile)),
             reload(limit_knobs("run", "PISTON_RUN_", &StageLimits::run)),
         }) {
        std::ranges::copy(section, std::back_inserter(all));
    }
    return all;
}

const Knob* find_knob(const std::vector<Knob>& knobs, std::string_view key) {
    const auto found = std::ranges::find(knobs, key, &Knob::key);
    return found == knobs.end() ? nullptr : &*found;
}

std::string shown_value(const Knob& knob, const std::string& value) {
    if (value.empty() || knob.secrecy == Secrecy::open) return value;
    if (knob.secrecy == Secrecy::secret) return "(set)";
    const auto begin = value.find("://");
    if (begin == value.npos) return value;
    const auto host = begin + 3;
    const auto at = value.substr(0, value.find('/', host)).rfind('@');
    if (at == value.npos || at < host) return value;
    return value.substr(0, host) + "(set)" + value.substr(at);
}

std::string variable_of(std::string_view key) {
    auto name = "CRANKCASE_" + std::string(key);
    std::ranges::transform(name, name.begin(), [](char letter) {
        if (letter == '.' || letter == '-') return '_';
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    return name;
}

}  // namespace config
