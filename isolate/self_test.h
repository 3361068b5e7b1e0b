// Whether a runner holds what it promises, asked from the inside of a box before anybody's program
// is in it, by the program that makes boxes (init/posture.cpp).
//
// The box is made as for a job, with the same filter, namespaces and cgroup; the runner counts no
// job for it. Both return in one sentence what is wrong, empty if nothing is; then, and when they
// throw sys::Error, the runner is marked broken, so that the pool scraps it.
#pragma once

#include <string>

#include "isolate/pool.h"

namespace isolate {

// What is wrong with the box, in a sentence; empty: nothing.
std::string self_test(Lease lease);

// A program that takes more memory than it may must be killed for that. It leaves a report in
// the kernel's log: once an engine, not once a runner.
std::string memory_kill_test(Lease lease);

}  // namespace isolate
