// What the child of the spawner executes: one stage, everything resolved, every pointer in place.
#pragma once

#include <linux/filter.h>

#include <cstddef>

#include "isolate/protocol.h"
#include "isolate/sys/fd.h"

namespace isolate {

// Where things are inside a container. Every mount point exists in the root that the keeper lays
// out, for nothing can be created in it (keeper/root.cpp).
namespace path {
inline constexpr const char* box = "/box";  // the tmpfs; of root, not writable by the job
inline constexpr const char* submission = "/box/submission";
inline constexpr const char* box_tmp = "/box/tmp";  // bound to tmp and shm in each stage
inline constexpr const char* box_shm = "/box/shm";
inline constexpr const char* tmp = "/tmp";
inline constexpr const char* shm = "/dev/shm";
inline constexpr const char* dev = "/dev";
inline constexpr const char* programs = "/crankcase";
inline constexpr const char* empty = "/crankcase/empty";  // a directory to hide others behind
// What no job may see lies here, in the root that the container started with. Only the container's
// root may enter it, and since init has put a copy of that root over it, no path leads there: it is
// the current directory of init and spawner (leave_first_root), and the names below begin in it.
inline constexpr const char* layers = "/layers";
inline constexpr const char* self = "self";            // where the copy is put together
inline constexpr const char* store = "store";          // the host's layers
inline constexpr const char* mount_points = "points";  // lowest layer of every root
inline constexpr const char* layered_root = "root";
}  // namespace path

// What init sends to the PID 1 of a box, with the number of a signal as its value: that signal is
// for every process of the job. SIGRTMAX: not one of those that libc keeps for itself. It is
// blocked from the first process of a container on, so that it waits for a PID 1 that does not
// listen yet.
inline constexpr int order_signal = 64;

struct Plan {
    SpawnStage stage;
    char* const* argv;
    char* const* environment;
    char* const* layers;  // stage.layer_count of them
    sock_fprog filter;
    int standard_in, standard_out, standard_err, report;
    int gate;  // -1: none
    // This process is a fork of a zygote: the program is not executed, it is what goes on.
    bool resumes = false;
};

// Makes this process the PID 1 of a box and runs the plan in it. Called in a fresh process in fresh
// pid, mount, ipc and cgroup namespaces, with the capabilities of the container's root. Returns
// only if the plan resumes, and then in the program's process.
void become(const Plan& plan);

// The second half of become(): starts the program, waits for it or the deadline, reports, exits.
// Returns as become() does.
void run_under_deadline(const Plan& plan);

// Executes the plan's program as a zygote: in its root and with its limits, but as the container's
// root, with the capabilities that become() needs. Called in fresh mount and ipc namespaces.
[[noreturn]] void become_zygote(const Plan& plan);

// The same idea as a command: timeout [-s SIGNAL] SECONDS PROGRAM [ARGUMENT…]. Returns its exit
// code.
int timeout_applet(int argc, char** argv);

}  // namespace isolate
