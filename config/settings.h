// Every knob of the engine: its name, default, meaning, and where its value came from.
//
// Settings is one plain value, made once in main and handed down by const reference. The table in
// knobs.cpp is the only list of knobs: file, environment (CRANKCASE_SECTION_KEY and Piston's own
// PISTON_* names), flags and `config show` all read it. Precedence: flag, CRANKCASE_ variable,
// PISTON_ variable, file, default. A wrong value is refused with the place it stands in (file and
// line, variable or flag), even if another source outranks it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/limits.h"
#include "config/units.h"

namespace config {

enum class LogLevel { debug, info, warn, error, none };

// Which bodies are read as JSON: those that say so, or all.
enum class ContentTypes { json, any };

struct Server {
    std::string listen = "127.0.0.1:2000";
    std::string socket = "";           // path of a Unix socket; empty: none
    std::string socket_mode = "0660";  // octal
    std::string socket_group = "";     // empty: the engine's own
    int io_threads = 1;
    int max_connections = 1024;
    int connections_per_address = 256;                         // 0: any number
    std::vector<std::string> uncapped = {"127.0.0.1", "::1"};  // whose connections are not counted
    Bytes body_limit = 8_MiB;
    Bytes header_limit = 16_KiB;
    Milliseconds header_timeout{10'000};  // first byte of a request to the end of its header
    Milliseconds body_timeout{60'000};    // end of header to the end of the body
    Milliseconds idle_timeout{75'000};    // between two requests on a connection
    Milliseconds write_timeout{60'000};   // without the client taking a byte
    Bytes write_rate = 1_KiB;             // a second, of who takes longer than that; 0: any
    Bytes write_buffer = 64_MiB;          // unsent answers, all clients together
    ContentTypes content_types = ContentTypes::json;
    std::vector<std::string> cors_origins = {};     // "https://host:port", or "*" alone
    std::vector<std::string> hosts = {};            // names it is called by; "*": any
    std::vector<std::string> trusted_proxies = {};  // addresses and networks; see network.h
    bool pages = true;                              // /playground, /docs and /openapi.json

    bool operator==(const Server&) const = default;
};

struct Pool {
    int runners = 8;
    int jobs_per_runner = 256;
    Milliseconds start_timeout{10'000};
    std::uint32_t first_uid = 1'000'000;  // host uid and gid of the first runner's root
    std::string cgroup = "auto";          // "auto", or a cgroup path all runners' groups go under

    bool operator==(const Pool&) const = default;
};

// Programs started ahead of their jobs.
struct Warm {
    Bytes memory = 256_MiB;  // of all of them, what none shares; 0: none are started
    int parked = 8;          // at once, each on a runner beside those of Pool; 0: none
    Milliseconds age{60'000};
    bool zygote = true;  // programs may be forked from one that was started

    bool is_on() const { return parked > 0 && memory.count > 0; }
    bool operator==(const Warm&) const = default;
};

// Results of compile stages, for jobs that would compile the same again.
struct Compile {
    Bytes cache = 256_MiB;       // on disk; 0: none are kept
    Bytes cache_entry = 16_MiB;  // of one of them

    bool operator==(const Compile&) const = default;
};

struct Admission {
    int concurrent_jobs = 4;
    int queued_jobs = 256;
    Bytes queued_bytes = 64_MiB;
    int client_share = 75;  // percent of both that one client may fill

    bool operator==(const Admission&) const = default;
};

struct Paths {
    std::string run_directory = "/run/crankcase";       // lock, mount points; made at start
    std::string data_directory = "/var/lib/crankcase";  // installed packages; made at start
    std::string recipes = "";         // empty: beside the program, then /usr/share
    std::string seccomp_policy = "";  // likewise

    bool operator==(const Paths&) const = default;
};

// What the engine denies itself. Everything here is on; each says when it has to be turned off.
struct Protection {
    bool daemon_filter = true;               // system calls, config/daemon.policy
    bool keeper_filter = true;               // config/keeper.policy
    bool landlock = true;                    // files, ports and signals of the server
    std::vector<std::string> readable = {};  // what it may read besides
    int oom_protection = 900;                // of guard, keeper and server
    Bytes memory = 1_GiB;                    // of those three, where their cgroup is ours

    bool operator==(const Protection&) const = default;
};

// Who may change what is installed over HTTP.
enum class PackageApi { off, local, token };

// Exact versions that nobody has: refused, or run on the nearest that is installed.
enum class Pins { no, known, any };

struct Packages {
    PackageApi api = PackageApi::local;
    std::string token = "";      // of api = token; "Authorization: Bearer <token>"
    std::string index = "";      // address of a Piston index; empty: none
    std::string index_key = "";  // base64 of the ed25519 key that signs it; empty: not signed
    // Base addresses of the registries; empty: as the machine's own client has it.
    std::string npm = "", pypi = "", maven = "", go = "";
    std::string recipes = "";  // directory of recipes of the operator's own; empty: none
    bool offline = false;      // nothing is downloaded
    Bytes least_rate = 4_KiB;  // of a download, a second; 0: any
    Pins accept_pinned_versions = Pins::no;

    bool operator==(const Packages&) const = default;
};

// Interactive jobs.
struct WebSocket {
    int max_jobs = 2;                   // at once; each has one of admission.concurrent_jobs
    Milliseconds init_timeout{1000};    // from the connection to its job, as in Piston
    Milliseconds idle_timeout{60'000};  // without a byte either way
    Milliseconds run_timeout{300'000};  // wall clock, unless the client or the runtime says more
    Bytes output_limit = 16_MiB;        // of each stream and stage
    Bytes input_buffer = 1_MiB;         // what a job has not read yet

    bool operator==(const WebSocket&) const = default;
};

// Programs that are run on many tests.
struct Grading {
    int max_tests = 500;          // of one job
    Bytes max_bytes = 64_MiB;     // of its tests together
    int parallel = 8;             // tests of one job at once, as far as slots are free
    Bytes shown_output = 64_KiB;  // of each stream of a test, in the answer
    Bytes total_output = 16_MiB;  // of all of them together, likewise

    bool operator==(const Grading&) const = default;
};

// The paths of the public Piston, /api/v2/piston and /api/v1/piston.
struct Facade {
    // As server.cors_origins, for these paths; "auto": "*", but on a loopback nobody may run jobs.
    std::vector<std::string> cors_origins = {"auto"};
    int rate_limit = 0;             // jobs a window for one client of v2; 0: any number
    Milliseconds rate_window{200};  // of v2
    int v1_rate_limit = 0;          // likewise for v1
    Milliseconds v1_rate_window{1000};
    std::string keys_file = "";  // of the clients without a rate limit; empty: there are none
    bool keys_required = false;  // nobody else may run code

    bool operator==(const Facade&) const = default;
};

// Of clients, for all paths. See config/keys.h.
struct Keys {
    std::string file = "";  // empty: nobody needs a key
    bool required = true;   // where there is a file, to run code

    bool operator==(const Keys&) const = default;
};

// Which of the services that call their path /execute has it here.
enum class ExecuteOf { mini_piston, base64_jobs };

// The service that ran each job as one of Kubernetes; its limits, in the place of [limits].
struct Base64Jobs {
    Milliseconds timeout{30'000};  // of the whole job; the default and the most
    Bytes memory = 256_MiB;
    Bytes disk = 64_MiB;
    int cpu_percent = 50;                              // as in Limits
    std::vector<std::string> cors_origins = {"auto"};  // as in Facade

    bool operator==(const Base64Jobs&) const = default;
};

// The service with REST and gRPC; what a request gets that asks for nothing, and the most.
struct CodeExecutor {
    Milliseconds timeout{30'000}, max_timeout{120'000};  // of the whole job
    Bytes memory = 128_MiB, max_memory = 1_GiB;
    int cpu_percent = 50, max_cpu_percent = 100;  // as in Limits

    bool operator==(const CodeExecutor&) const = default;
};

// The service for exercises in C.
struct Picobytes {
    Milliseconds max_timeout{30'000};  // of a whole submission, analysing and Valgrind included

    bool operator==(const Picobytes&) const = default;
};

// Other services' ways to ask for jobs (api/dialects).
struct Dialects {
    std::vector<std::string> enabled = {"mini-piston", "base64-jobs", "code-executor", "picobytes"};
    ExecuteOf execute = ExecuteOf::mini_piston;
    Base64Jobs base64_jobs;
    CodeExecutor code_executor;
    Picobytes picobytes;

    bool operator==(const Dialects&) const = default;
};

// gRPC, on a port of its own (api/grpc).
struct Grpc {
    std::string listen = "";             // empty: none
    Bytes message_limit = 8_MiB;         // of a request
    int max_calls = 1024;                // open at once, all clients together
    Bytes memory = 64_MiB;               // of messages on their way, all clients together
    Milliseconds idle_timeout{75'000};   // of a connection without a call
    Milliseconds ping_interval{60'000};  // after which a silent client is asked whether it is there

    bool operator==(const Grpc&) const = default;
};

// What Prometheus reads.
struct Metrics {
    bool enabled = true;
    std::string listen = "";  // an address of its own for /metrics; empty: server.listen
    std::string token = "";   // "Authorization: Bearer <token>", for reading them alone

    bool operator==(const Metrics&) const = default;
};

// When a line of the audit log is on the disk: before its job is answered, a second later, or when
// the kernel likes.
enum class AuditSync { each, second, no };

struct Audit {
    std::string file = "";  // empty: there is none
    AuditSync sync = AuditSync::each;
    bool required = false;  // no job without its line

    bool operator==(const Audit&) const = default;
};

// What is wrong with the machine and known to be.
struct Doctor {
    std::vector<std::string> override = {};  // names of findings (isolate/doctor)

    bool operator==(const Doctor&) const = default;
};

struct Settings {
    std::string instance = "crankcase";  // names cgroups and containers
    std::string user = "crankcase";      // whom the daemon becomes
    LogLevel log_level = LogLevel::info;
    Server server;
    Keys keys;
    Facade facade;
    Pool pool;
    Warm warm;
    Compile compile;
    Admission admission;
    Paths paths;
    Protection protection;
    Packages packages;
    WebSocket websocket;
    Dialects dialects;
    Grading grading;
    Grpc grpc;
    Metrics metrics;
    Audit audit;
    Doctor doctor;
    StageLimits limits;
    std::map<std::string, LimitOverrides> limit_overrides;  // by language name

    // Those that serve jobs and, where programs wait for theirs, the most that these have.
    int most_runners() const { return pool.runners + (warm.is_on() ? warm.parked : 0); }
    bool operator==(const Settings&) const = default;
};

// A value that was refused. what() is one sentence: the place, the key, the value, what would do.
class SettingsError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// One of Piston's variables was refused: what() has Piston's sentence, and a daemon ends with
// Piston's exit code.
class PistonSettingsError : public SettingsError {
public:
    using SettingsError::SettingsError;
};

// Where values come from. What is left out says nothing.
struct Sources {
    std::string file{};
    bool file_must_exist = false;

    // Looks up one environment variable.
    std::function<std::optional<std::string>(const std::string& name)> variable{};

    // "section.key" and value, in the order given; of two for one key the last one counts.
    std::vector<std::pair<std::string, std::string>> flags{};
};

// What a program of this engine reads: the file, or the default one if it is there; the
// environment of the process; and the flags.
Sources process_sources(const std::string& file,
                        std::vector<std::pair<std::string, std::string>> flags);

// One row of `config show`. The origin is "default", "/etc/crankcase.toml:12", "environment
// CRANKCASE_SERVER_LISTEN" or "flag --set server.listen". A secret's value is "(set)".
struct ShownSetting {
    std::string key, value, origin, help;
    bool reloadable = false;  // SIGHUP puts it in force; anything else needs a restart
};

struct Loaded {
    Settings settings;
    std::vector<ShownSetting> shown;  // every knob, in the order of the file, then limit_overrides
    std::vector<std::string> notes;   // what was accepted but has no effect; for the log
};

// Reads all sources. Throws SettingsError at the first value that cannot be used, for unknown keys
// in the file or in the flags, and for values that do not go together.
Loaded load(const Sources& sources);

// The settings after a reload: what may change while the engine runs is taken from `fresh`.
struct Reloaded {
    Settings settings;
    std::vector<std::string> changed;        // keys that are in force now
    std::vector<std::string> needs_restart;  // keys that differ and stay as they were
};

Reloaded reloaded(const Settings& current, const Settings& fresh);

}  // namespace config
