// The raw floor: what running a program costs with no engine and no isolation at all.
//
// One job does what the barest server would: make a fresh directory, write the source, start each
// stage with posix_spawn, feed its input, collect its output, reap it, remove everything. The
// program gets a clean environment (PATH and HOME) and a session of its own: with the scheduler's
// autogroup on, jobs left in the generator's session would share one scheduling group, and the
// floor would look better or worse than an engine for that reason alone.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/answer.h"

namespace bench {

using Argv = std::vector<std::string>;

struct Program {
    std::string file_name;  // of the source in the job directory
    std::string source;
    std::string input;             // of the last stage; empty: /dev/null
    std::vector<Argv> stages;      // argv[0] is a path, absolute or within the job directory
    std::string scratch = "/tmp";  // directory in which job directories are made
};

class ExecFloor {
public:
    explicit ExecFloor(const Program& program) : program_(program) {}

    // Runs all stages; each must exit 0. The text is the last stage's output, both streams
    // together. Throws Error{broken} if the job directory or a process cannot be made.
    Answer run();

private:
    void run_stages(const std::string& directory, std::string& trouble);

    const Program& program_;
    std::string output_;
};

}  // namespace bench
