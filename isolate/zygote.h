// A zygote in a runner, as the daemon sees it: a program that stands at its gate and is forked for
// each job (gate/zygote.h).
//
// It is of one tenant: its children have its address layout and its hash seed in common, so they
// have to be jobs that may know that much of one another. After some of them it is replaced.
#pragma once

#include <chrono>
#include <string>

#include "isolate/command.h"
#include "isolate/process.h"

namespace isolate {

struct ZygoteKey {
    Command command;
    std::string main;    // the file at which it stops, without directories
    std::string tenant;  // of whom its children are; empty: of anybody who has no key

    bool operator==(const ZygoteKey&) const = default;
};

struct Zygote {
    ZygoteKey key;
    Process process;
    int forks = 0;
    std::chrono::steady_clock::time_point until;  // then it is too old

    bool serves(const ZygoteKey& wanted) const;
    int forks_left() const;
};

// The jobs of one zygote; then it is replaced.
inline constexpr int most_forks = 64;

class Runner;

// Kills the runner's zygote, if it has one, and waits until it is gone. A runner whose zygote does
// not go is marked broken.
void end_zygote(Runner& runner);

}  // namespace isolate
