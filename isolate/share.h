// Who gets the processors when stages want more than there are: all alike, but a crowd. A stage of
// more than a few processes and threads has the less, the more they are. Where a processor is free
// nobody notices, and what has one process to compute with, however long, keeps its whole share.
//
// A remedy: on kernels with EEVDF (since 6.6) a group of one process can wait for seconds beside a
// group of equal weight in which eight loops or more fork and execute without end; beside one of
// much less weight it does not (seen on 6.18, README).
#pragma once

#include <chrono>

namespace isolate {

inline constexpr int whole_share = 1024;
inline constexpr int smallest_share = 64;

// How often to look whether a stage is a crowd. Most stages end before the first look.
inline constexpr std::chrono::milliseconds crowd_look{50};

// The share of a stage in whose group there are so many processes and threads (Cgroup::processes).
int share_of(int processes);

}  // namespace isolate
