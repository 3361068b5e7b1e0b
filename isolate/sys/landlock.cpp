#include "isolate/sys/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"

namespace sys {

namespace {

// Of linux/landlock.h, whose copy here may be older than the kernel (the number in each comment is
// the version that brought it).
constexpr std::uint64_t execute = 1U << 0;
constexpr std::uint64_t write_file = 1U << 1;
constexpr std::uint64_t read_file = 1U << 2;
constexpr std::uint64_t read_directory = 1U << 3;
constexpr std::uint64_t all_of_the_first = (1U << 13) - 1;
constexpr std::uint64_t make_character_device = 1U << 6;
constexpr std::uint64_t make_block_device = 1U << 11;
constexpr std::uint64_t refer = 1U << 13;          // 2: to rename and link between directories
constexpr std::uint64_t truncate_file = 1U << 14;  // 3
constexpr std::uint64_t bind_tcp = 1U << 0;        // 4
constexpr std::uint64_t scope_abstract_sockets = 1U << 0;  // 6
constexpr std::uint64_t scope_signals = 1U << 1;           // 6

// Before it nothing could be renamed from one directory into another.
constexpr int first_useful = 2;
constexpr int with_truncate = 3;
constexpr int with_ports = 4;
constexpr int with_scopes = 6;

struct RulesetAttributes {
    std::uint64_t files, network, scopes;
};

struct __attribute__((packed)) PathRule {
    std::uint64_t allowed;
    std::int32_t parent;
};

struct PortRule {
    std::uint64_t allowed, port;
};

constexpr int path_rule = 1;
constexpr int port_rule = 2;

// Raw, because glibc has no wrappers.
long create_ruleset(const RulesetAttributes* attributes, std::size_t size, unsigned flags) {
    constexpr long number = 444;
    return ::syscall(number, attributes, size, flags);
}

template <typename Rule>
long add_rule(const UniqueFd& ruleset, int kind, const Rule& rule) {
    constexpr long number = 445;
    return ::syscall(number, ruleset.get(), kind, &rule, 0U);
}

std::uint64_t files_of(int version) {
    return all_of_the_first | refer | (version >= with_truncate ? truncate_file : 0);
}

// A kernel knows as much of the attributes as its version has.
std::size_t size_for(int version) {
    if (version >= with_scopes) return sizeof(RulesetAttributes);
    return sizeof(std::uint64_t) * (version >= with_ports ? 2 : 1);
}

void allow(const UniqueFd& ruleset, const std::string& path, std::uint64_t rights) {
    const UniqueFd place{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (!place) return;  // what is not there, or out of sight, cannot be reached anyway
    struct stat status {};
    if (::fstat(place.get(), &status) != 0) fail("stat " + path);
    if (!S_ISDIR(status.st_mode)) rights &= execute | write_file | read_file | truncate_file;
    if (add_rule(ruleset, path_rule, PathRule{rights, place.get()}) != 0)
        fail("allow " + path + " to Landlock");
}

UniqueFd ruleset_for(int version, bool ports) {
    const RulesetAttributes attributes{
        .files = files_of(version),
        .network = ports ? bind_tcp : 0,
        .scopes = version >= with_scopes ? scope_abstract_sockets | scope_signals : 0};
    UniqueFd ruleset{static_cast<int>(create_ruleset(&attributes, size_for(version), 0))};
    if (!ruleset) fail("landlock_create_ruleset");
    return ruleset;
}

}  // namespace

Confinement confine(const Reach& reach) {
    constexpr unsigned ask_for_version = 1;
    const int version = static_cast<int>(create_ruleset(nullptr, 0, ask_for_version));
    if (version < 0) return {.why_not = "the kernel has no Landlock: " + describe(errno)};
    if (version < first_useful) return {.why_not = "the kernel's Landlock is its first version"};

    const bool ports = !reach.ports.empty() && version >= with_ports;
    const auto ruleset = ruleset_for(version, ports);
    const auto change = files_of(version) & ~(make_character_device | make_block_device);
    for (const auto& path : reach.readable)
        allow(ruleset, path, execute | read_file | read_directory);
    for (const auto& path : reach.writable) allow(ruleset, path, change);
    for (const auto port : reach.ports) {
        if (ports && add_rule(ruleset, port_rule, PortRule{bind_tcp, port}) != 0)
            fail("allow a port to Landlock");
    }
    constexpr long restrict_self = 446;
    if (::syscall(restrict_self, ruleset.get(), 0U) != 0) fail("landlock_restrict_self");
    return {.version = version, .ports = ports, .signals = version >= with_scopes, .why_not = {}};
}

}  // namespace sys
