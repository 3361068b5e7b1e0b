#include "config/knobs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <system_error>
#include <type_traits>
#include <vector>

#include "config/rules.h"

namespace config {

namespace {

template <typename Value>
struct Range {
    Value low, high;
};

template <typename Value>
Range(Value, Value) -> Range<Value>;

// A function from Settings to the member that is reached by the member pointers one after another.
auto at(auto... members) {
    return [=](auto& settings) -> auto& {
        return (settings.*....*members);
    };
}

// How the kinds of value are read and written; the names that differ by type only.

bool read(std::string_view text, Bytes& value) {
    const auto parsed = parse_bytes(text);
    value = parsed.value_or(Bytes{});
    return parsed.has_value();
}

bool read(std::string_view text, Milliseconds& value) {
    const auto parsed = parse_duration(text);
    value = parsed.value_or(Milliseconds{});
    return parsed.has_value();
}

bool read(std::string_view text, int& value) {
    const auto parsed = parse_count(text);
    value = parsed.value_or(0);
    return parsed.has_value();
}

bool read(std::string_view text, std::uint32_t& value) {
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    return error == std::errc{} && end == last;
}

std::string written(Bytes value) {
    return to_string(value);
}
std::string written(Milliseconds value) {
    return to_string(value);
}
std::string written(int value) {
    return to_string(value);
}
std::string written(std::uint32_t value) {
    return std::to_string(value);
}

constexpr Form form_of(const Bytes&) {
    return Form::quantity;
}
constexpr Form form_of(const Milliseconds&) {
    return Form::quantity;
}
constexpr Form form_of(const auto&) {
    return Form::number;
}

std::string noun(Bytes) {
    return R"(a size such as "64MiB")";
}
std::string noun(Milliseconds) {
    return R"(a time such as "3s" or "250ms")";
}
std::string noun(auto) {
    return "a whole number";
}

// A knob whose value lies between two others, both allowed.
template <typename Value>
Knob ranged(const std::string& key, const std::string& piston, auto member, Range<Value> range,
            const std::string& help) {
    return {
        .key = key,
        .piston = piston,
        .help = help,
        .form = form_of(range.low),
        .expects = noun(range.low) + " from " + written(range.low) + " to " + written(range.high),
        .set =
            [=](Settings& settings, std::string_view text) {
                auto value = Value{};
                if (!read(text, value) || value < range.low || value > range.high) return false;
                member(settings) = value;
                return true;
            },
        .get = [=](const Settings& settings) { return written(member(settings)); },
    };
}

struct Rule {
    bool (*accepts)(std::string_view text);
    const char* expects;
};

constexpr Rule host_and_port{is_host_and_port,
                             "host:port, such as 127.0.0.1:2000, 0.0.0.0:2000 or [::1]:2000"};
constexpr Rule plain_name{
    is_plain_name, "at most 32 letters, digits, '-' and '_', beginning with a lower-case letter"};
constexpr Rule directory{is_absolute_path, "an absolute path"};
constexpr Rule directory_or_empty{is_absolute_path_or_empty, "an absolute path, or no text at all"};
constexpr Rule address_or_empty{is_address_or_empty,
                                "an address such as https://mirror.example/npm, or no text at all"};
constexpr Rule secret_or_empty{
    is_secret_or_empty, "24 to 512 letters, digits, '+', '/', '=', '_', '-' and '.', or no text"};
constexpr Rule group{is_absolute_path_or_auto, "\"auto\", or a cgroup path that begins with /"};

Knob text(const std::string& key, const std::string& piston, auto member, Rule rule,
          const std::string& help) {
    return {
        .key = key,
        .piston = piston,
        .help = help,
        .form = Form::text,
        .expects = rule.expects,
        .set =
            [=](Settings& settings, std::string_view value) {
                if (!rule.accepts(value)) return false;
                member(settings) = value;
                return true;
            },
        .get = [=](const Settings& settings) { return member(settings); },
    };
}

// A knob whose value is one of some words; the enumerators stand in the order of the words.
Knob choice(const std::string& key, const std::string& piston, auto member,
            const std::vector<std::string>& words, const std::string& expects,
            const std::string& help) {
    return {
        .key = key,
        .piston = piston,
        .help = help,
        .form = Form::text,
        .expects = expects,
        .set =
            [=](Settings& settings, std::string_view word) {
                const auto found = std::ranges::find(words, word);
                if (found == words.end()) return false;
                auto& value = member(settings);
                value =
                    static_cast<std::remove_reference_t<decltype(value)>>(found - words.begin());
                return true;
            },
        .get =
            [=](const Settings& settings) {
                return words[static_cast<std::size_t>(member(settings))];
            },
    };
}

Knob yes_or_no(const std::string& key, auto member, const std::string& help) {
    return {
        .key = key,
        .piston = "",
        .help = help,
        .form = Form::text,
        .expects = "yes or no",
        .set =
            [=](Settings& settings, std::string_view word) {
                if (word != "yes" && word != "no") return false;
                member(settings) = word == "yes";
                return true;
            },
        .get =
            [=](const Settings& settings) { return std::string(member(settings) ? "yes" : "no"); },
    };
}

using Knobs = std::vector<Knob>;

Knobs program_knobs() {
    return {
        text("instance", "", at(&Settings::instance), plain_name,
             "Name of this engine in cgroups and containers"),
        text("user", "", at(&Settings::user), plain_name,
             "System user the daemon becomes once its keeper runs"),
        choice("log_level", "PISTON_LOG_LEVEL", at(&Settings::log_level),
               {"debug", "info", "warn", "error", "none"}, "debug, info, warn, error or none",
               "Least important lines that are logged: debug, info, warn, error or none"),
    };
}

Knobs server_knobs() {
    const auto of = [](auto member) { return at(&Settings::server, member); };
    const auto patience = Range{Milliseconds{100}, Milliseconds{std::chrono::hours{24}}};
    return {
        text("server.listen", "PISTON_BIND_ADDRESS", of(&Server::listen), host_and_port,
             "Address and port that are served"),
        ranged("server.io_threads", "", of(&Server::io_threads), Range{1, 64},
               "Threads that read requests and write answers"),
        ranged("server.max_connections", "", of(&Server::max_connections), Range{1, 1'000'000},
               "Clients connected at once; further ones are turned away"),
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
        ranged("server.write_buffer", "", of(&Server::write_buffer), Range{1_MiB, 64_GiB},
               "Answers not yet taken, all clients together"),
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

Knobs admission_knobs() {
    const auto of = [](auto member) { return at(&Settings::admission, member); };
    return {
        ranged("admission.concurrent_jobs", "PISTON_MAX_CONCURRENT_JOBS",
               of(&Admission::concurrent_jobs), Range{1, 1024}, "Jobs that run at once"),
        ranged("admission.queued_jobs", "", of(&Admission::queued_jobs), Range{0, 1'000'000},
               "Jobs that may wait for their turn; further ones are refused as busy"),
        ranged("admission.queued_bytes", "", of(&Admission::queued_bytes), Range{1_MiB, 64_GiB},
               "Memory of the waiting jobs together; further ones are refused as busy"),
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

Knobs package_knobs() {
    const auto of = [](auto member) { return at(&Settings::packages, member); };
    return {
        choice("packages.api", "", of(&Packages::api), {"off", "local", "token"},
               "off, local or token",
               "Who may install packages over HTTP: off (nobody), local (clients of this "
               "machine) or token"),
        text("packages.token", "", of(&Packages::token), secret_or_empty,
             "What such clients send as \"Authorization: Bearer ...\" where api is token"),
        text("packages.index", "PISTON_REPO_URL", of(&Packages::index), address_or_empty,
             "Address of a Piston package index; empty: none"),
        text("packages.index_key", "", of(&Packages::index_key), secret_or_empty,
             "Base64 of the ed25519 key that signs the index; empty: it is not signed"),
        text("packages.npm", "", of(&Packages::npm), address_or_empty,
             "Base address of the npm registry; empty: as npm has it"),
        text("packages.pypi", "", of(&Packages::pypi), address_or_empty,
             "Base address of the Python package index; empty: as pip has it"),
        text("packages.maven", "", of(&Packages::maven), address_or_empty,
             "Base address of the Maven repository; empty: as Maven has it"),
        text("packages.go", "", of(&Packages::go), address_or_empty,
             "Base address of the Go module proxy; empty: as go has it"),
        text("packages.recipes", "", of(&Packages::recipes), directory_or_empty,
             "Directory of recipes of your own; empty: none"),
        yes_or_no("packages.offline", of(&Packages::offline),
                  "Whether to install from the cache and from bundles only"),
        choice("packages.accept_pinned_versions", "", of(&Packages::accept_pinned_versions),
               {"no", "known", "any"}, "no, known or any",
               "Exact versions that run on the nearest installed one: no, known "
               "(hard-coded by many) or any"),
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
             pool_knobs(),
             admission_knobs(),
             path_knobs(),
             package_knobs(),
             limit_knobs("compile", "PISTON_COMPILE_", &StageLimits::compile),
             limit_knobs("run", "PISTON_RUN_", &StageLimits::run),
         }) {
        std::ranges::copy(section, std::back_inserter(all));
    }
    return all;
}

const Knob* find_knob(const std::vector<Knob>& knobs, std::string_view key) {
    const auto found = std::ranges::find(knobs, key, &Knob::key);
    return found == knobs.end() ? nullptr : &*found;
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
