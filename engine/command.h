// From a job to what is started in its box: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/events.h"
#include "engine/job.h"
#include "isolate/command.h"

namespace engine {

// The one that a job begins with.
Stage first_stage(const Job& job);

// The script of a stage; the job's runtime must have it.
const packages::Script& script_of(const Job& job, Stage stage);

// Whether the stage is started by the text of its script. Where a runtime has both, the vector
// serves jobs with one code file, because a shell costs a millisecond, and the text those with
// several, whose order or kinds it may have to look at.
bool needs_shell(const Job& job, Stage stage);

// The command of a stage: the runtime's vector with its placeholders replaced by whole arguments,
// or the script in the box with the main file (compile: all code files) and the arguments behind
// it.
isolate::Command command_of(const Job& job, Stage stage);

// What is started ahead of the job in place of its first stage: the same command, but for a
// variable more if the recipe has something to be read first (packages::Warm).
isolate::Command warm_command_of(const Job& job);

// The file that "{prime}" stands for, beside the job's directory.
inline constexpr std::string_view prime_name = "prime";

// The room for both stages: the larger of their disk limits. It must fit into the memory of either
// stage with room to run: a box filled to the brim would otherwise turn every later stage into an
// out-of-memory.
isolate::BoxSize box_size(const Job& job);

// Of a box that never sees the compile stage: its memory limits nothing there.
isolate::BoxSize run_box_size(const Job& job);

// The text of a script as it is placed in the box: with an interpreter line.
std::string script_text(const packages::Script& script);

// The name of the first code file; the empty string if there is none.
std::string main_file(const Job& job);

// The arguments as args.args has them: one a line.
std::string argument_lines(const Job& job);

}  // namespace engine
