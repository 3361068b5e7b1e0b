// By what two jobs are told to compile the same: a digest of all that a compile stage can see.
//
// Whoever is given what came of another job's compile stage must not be able to tell, so whatever
// may differ between two jobs is in the key: who asks, the compiler, command, environment, limits,
// every file. What a stage may read besides (the time, the kernel's files) keeps its job from
// having a key at all; that is looked for in the text of its files, on the side of caution.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/job.h"

namespace engine {

// 64 hexadecimal digits.
using CompileKey = std::string;

// Empty if the runtime does not say that its compile stage comes to the same again, or a file may
// make it come to something else. `toolchain` and `machine` say what compiles, and on what. Pure.
std::optional<CompileKey> compile_key(const Job& job, std::string_view toolchain,
                                      std::string_view machine);

// Whether the text holds a word by which a compiler is told to look at more than the job's files
// and its own, or one of those: in any case of letters, and across lines that are continued. Pure.
bool looks_further(std::string_view text, const std::vector<std::string>& more_words);

// What is known of the files that the runtime compiles with; of a package its layers, which are
// named after their content, of the host what changes when something is installed.
std::string toolchain_of(const Runtime& runtime);

// What programs may be compiled for without being told: the kind of processor. Of the text of
// /proc/cpuinfo. Pure.
std::string machine_of(std::string_view cpuinfo);

}  // namespace engine
