// What an engine leaves on its host, as text that can be compared: its processes, processes of its
// uid range, its cgroups, mounts of this namespace, System V objects, descriptors of this process.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace support {

struct Footprint {
    std::set<std::string> marks;

    bool operator==(const Footprint&) const = default;
};

// Looks at the host now. Processes count if their host uid lies within 64 runners' ranges from
// `first_uid` on, or if they run a crankcase program with `instance` among its arguments.
Footprint footprint(const std::string& instance, std::uint32_t first_uid);

// Takes the footprint until it equals `before` or the patience (5 s) ends; returns what is still
// there and was not before, one a line. Empty is what every test wants.
std::string left_behind(const Footprint& before, const std::string& instance,
                        std::uint32_t first_uid);

}  // namespace support
