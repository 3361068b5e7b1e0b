// A program that was started ahead of its job: it stands at the system call that would have opened
// its main file (gate/gate.cpp), confined as any stage, and nothing of any job is in its box.
//
// Whoever has it places the files of one job in its box and lets it go on. From then on it is that
// job's stage, and its accounts are. Nothing ever comes back: one that is not wanted any more is
// killed, and its runner returns to the pool as after a job.
#pragma once

#include <chrono>
#include <stop_token>

#include "isolate/box.h"
#include "isolate/command.h"
#include "isolate/process.h"

namespace isolate {

class Parked {
public:
    // Starts the key's command in the box, in which no file of a job may be, and waits until it
    // asks for its main file; if the runner has a zygote for it, by a fork of that. It is to live
    // for at most `age` beyond its own time limit. Throws sys::Error: busy if stopped, broken if it
    // did not get there within `patience`.
    Parked(Box box, const ZygoteKey& key, config::Milliseconds age, config::Milliseconds patience,
           std::stop_token stop);
    // Kills what was never let go.
    ~Parked();
    Parked(const Parked&) = delete;
    Parked& operator=(const Parked&) = delete;

    // Whether it stands there still, as far as anybody can tell.
    bool stands() const;

    // Of a zygote, or started by itself.
    bool is_fork() const { return is_fork_; }

    Box& box() { return box_; }

    // Begins its accounts, and lets it go on as soon as all files are in its box that were placed
    // there. False: it has died meanwhile and has seen none of them. Throws as Box::check.
    bool let_go();

    // The stage to supervise and its box, once each and in this order: after let_go().
    Process take_process();
    Box take_box() { return std::move(box_); }

private:
    bool hears(char word, config::Milliseconds patience) const;
    void kill();

    Box box_;
    Process process_;
    sys::UniqueFd gate_;
    bool is_fork_ = false;
    bool is_ours_ = false;  // the process: nobody else supervises it
};

}  // namespace isolate
