#include "isolate/protocol.h"

namespace isolate {

const char* name(Step step) {
    static constexpr const char* names[] = {
        "none",
        "check the message",
        "mount the box",
        "make a directory",
        "write a file",
        "clone the stage",
        "start a session",
        "take the terminal",
        "set up standard streams",
        "stack the layers of the root",
        "bind the box",
        "enter the root",
        "mount /proc",
        "mask files of /proc",
        "raise the OOM score",
        "make /proc read-only",
        "set resource limits",
        "enter the job's directory",
        "close descriptors",
        "empty the capability bounding set",
        "drop groups",
        "become the job's user",
        "forbid new privileges",
        "fork the program",
        "set the priority",
        "load the system call filter",
        "execute the program",
        "unmount the box",
        "start the zygote",
        "fork the zygote",
        "enter the mounts of the spawner",
        "empty the inheritable capabilities",
        "check what the program may do",
    };
    static_assert(sizeof names / sizeof names[0] == static_cast<std::size_t>(Step::count));
    const auto index = static_cast<std::size_t>(step);
    return index < static_cast<std::size_t>(Step::count) ? names[index] : "unknown step";
}

}  // namespace isolate
