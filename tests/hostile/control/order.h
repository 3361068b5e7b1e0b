// What a control is to do: which protection it goes without, where its programs lie, who they run
// as, and how long at most. Read from the command line; nothing here touches the system.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace control {

struct Order {
    std::string without;  // a protection, by the name that the table of cases has for it
    std::string place;    // directory that the programs see as /mnt
    uid_t uid = 0;        // nobody's; the next one is nobody's either
    int wall_ms = 0;      // after that everything is killed
    int port = 0;         // of what plays a service of the host
    std::vector<std::vector<std::string>> programs;  // run one after the other
};

// WITHOUT PLACE UID WALL_MS PORT -- PROGRAM ARGUMENT… [-- PROGRAM ARGUMENT…]; no programs if the
// words do not make sense.
Order read_order(const std::vector<std::string>& words);

// Ends the control with code 70 and errno's sentence unless it is true.
void must(bool done, const char* what);

// The surroundings of the programs, in namespaces that are the caller's own already: a root that
// cannot be written, private /tmp, /var/tmp and /dev/shm, a /proc of this pid namespace; and
// whatever the missing protection would have kept away.
void arrange_mounts(const Order& order);
void arrange_network(const Order& order);
void arrange_neighbours(const Order& order);

// Becomes the program: an ordinary user, under limits far above the program's own ceiling.
[[noreturn]] void become(const Order& order, const std::vector<std::string>& program);

}  // namespace control
