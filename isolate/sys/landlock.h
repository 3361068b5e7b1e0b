// Landlock: which files a process may reach, which ports it may open and whom it may signal, said
// once, for it and for all it starts (man 7 landlock). What is open already stays open.
//
// The kernel's own right checks come first as ever; this takes away and never gives. Needs
// no_new_privs, and no privilege. Kernels before 5.19 cannot express what is needed here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sys {

struct Reach {
    std::vector<std::string> readable;  // with all beneath, to read and to execute
    std::vector<std::string> writable;  // with all beneath, to change as well
    std::vector<std::uint16_t> ports;   // the TCP ports it may listen on; 0: those the kernel
                                        // chooses; none given: any
};

// What came of it.
struct Confinement {
    int version = 0;       // of the kernel's Landlock; 0: nothing was confined
    bool ports = false;    // 6.7
    bool signals = false;  // and abstract sockets: 6.12
    std::string why_not;   // where version is 0

    bool operator==(const Confinement&) const = default;
};

// Confines the calling thread and what it starts from now on; call it before there is a second.
// Paths that do not exist are passed over. Throws sys::Error{broken} where the kernel can and
// fails.
Confinement confine(const Reach& reach);

}  // namespace sys
