// What there is to know about a machine before untrusted programs run on it: plain values.
//
// gather() reads them, from the roots of Places, so that tests can give trees of their own; nothing
// here judges. A value that the machine does not have is absent and never invented.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "isolate/doctor/kernel_table.h"

namespace doctor {

// Where it is looked.
struct Places {
    std::string root = "";  // before every path of the settings
    std::string proc = "/proc";
    std::string sys = "/sys";
    std::string etc = "/etc";
};

// A mounted cgroup hierarchy.
struct Hierarchy {
    std::string mount_point;
    std::vector<std::string> controllers;
    bool unified = false;  // cgroup v2
    bool writable = false;

    bool operator==(const Hierarchy&) const = default;
};

// Ids that belong to somebody: one of passwd and group, many of subuid and subgid.
struct IdRange {
    std::string file, owner;
    std::uint64_t first = 0, count = 1;

    bool operator==(const IdRange&) const = default;
};

// One name on the way to a file, and what it is.
struct Component {
    std::string path;
    bool link = false, directory = false;
    uid_t owner = 0;
    gid_t group = 0;
    mode_t mode = 0;

    bool operator==(const Component&) const = default;
};

// A file or directory the engine trusts, with every name that leads there, links followed.
struct Trusted {
    std::string key;  // the setting that names it
    std::string path;
    std::vector<Component> way;
    bool users_own = false;  // the engine's user may own it

    bool operator==(const Trusted&) const = default;
};

// Room of a file system.
struct Room {
    std::string path;
    std::uint64_t free_bytes = 0, free_entries = 0;
    bool counts_entries = true;  // some file systems have no limit to tell

    bool operator==(const Room&) const = default;
};

struct Swap {
    std::string name;
    bool encrypted = false;  // or compressed memory

    bool operator==(const Swap&) const = default;
};

struct Facts {
    // Files of /proc and /sys by their paths ("proc/sys/kernel/pid_max"), without the last newline.
    std::map<std::string, std::string> values;
    std::vector<KernelHole> holes;  // the table
    std::optional<KernelVersion> kernel;

    std::string lxc_version;  // of the library that makes containers: "5.0.2"
    std::vector<Hierarchy> hierarchies;
    std::string base_group_type;  // cgroup.type of pool.cgroup on v2; empty: none, or not asked
    bool swap_is_counted = false;
    bool cpu_can_be_limited = true;  // false only if a group was seen without a quota
    std::vector<Swap> swaps;
    std::map<std::string, std::string> processor_bugs;  // name: what the kernel says
    std::vector<std::string> governors, core_speeds;    // what the processors have, each once

    std::vector<IdRange> taken_ids;
    std::vector<Trusted> trusted;
    std::vector<uid_t> trusted_owners;  // root, and who owns this program
    uid_t engine_user = 0;
    std::vector<std::string> readable_secrets;  // files everybody may read, with what is in them
    std::vector<std::string> set_id_programs;

    std::uint64_t descriptors = 0;  // the engine may open
    std::vector<Room> rooms;
    bool clock_is_set = true;    // the kernel says that somebody keeps it right
    std::string policy_trouble;  // why the system call policy is no good; empty: it is
    std::vector<std::string> left_overs;

    // Of probes in a real box; absent: not tried.
    std::optional<std::string> self_test_trouble, memory_kill_trouble;

    config::Settings settings;
};

}  // namespace doctor
