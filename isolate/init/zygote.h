// The spawner's side of a zygote: an interpreter that stands at its gate in this container and is
// forked for each job instead of being started for it (fork_jobs.cpp is the other side).
//
// It runs nothing but what its image holds, as the container's root, for it has to make boxes as
// the spawner does. It never sees what a job brings: it is only told that there is something to
// fork for, and where its child finds the rest. Being no PID 1 and unlike its children's numbers it
// is known to no job (PIDs of a box begin at 1 anew).
#pragma once

#include "isolate/init/plan.h"
#include "isolate/protocol.h"
#include "isolate/sys/fd.h"

namespace isolate {

class Zygote {
public:
    // The mount namespace that boxes begin as a copy of: the spawner's.
    void know(sys::UniqueFd mounts) { mounts_ = std::move(mounts); }

    // Starts the program and waits until it stands at its gate. One that was there before is not
    // known any more; whoever wants it gone kills it. A Fault of step none: it stands.
    Fault start(const Plan& plan, StageStarted& started);

    // Forks it for a stage, in the leaf if there is one. The stage's own trouble is told by its
    // Report, as ever.
    Fault fork(const Plan& plan, const sys::UniqueFd& leaf, StageStarted& started);

private:
    sys::UniqueFd mounts_;
    sys::UniqueFd socket_;  // to the zygote
};

}  // namespace isolate
