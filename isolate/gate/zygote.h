// A zygote: an interpreter that has come to its gate and is forked there, for each job anew.
#pragma once

namespace isolate::gate {

// Serves the spawner (init/zygote.h) on the socket, for as long as it is there; then the process
// ends. Returns in each job's process only, which is confined like any other job by then: with the
// socket of its own gate, above every number that a program is given.
//
// It refuses, and ends, if a fork would be more or less than a copy of this process: with more
// threads than one, as the first process of a namespace (libraries tell forks by getpid()), with
// descriptors besides the standard streams.
int fork_jobs(int socket);

// Moves a descriptor out of the way of every number that a program is given, and keeps it from
// what the program executes. Ends the process if it cannot.
int move_away(int fd);

}  // namespace isolate::gate
