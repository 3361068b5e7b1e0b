// A line of the audit log: what a job was, who sent it, what came of it, as one line of JSON. Pure.
//
//   {"time","id","client","key","runtime","code","files":[{"name","bytes"}],"more_files",
//    "verdict","compile":{…},"run":{…},"queued_ms","duration_ms"}
//
// "code" is the SHA-256 of the code files' bytes one after the other, so of one file what sha256sum
// says; no code, no output, no argument and no key is in it. Whatever names consist of, the result
// is valid JSON in UTF-8 without a line end but its last byte.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "engine/observer.h"

namespace audit {

using Time = std::chrono::system_clock::time_point;

// Of more files only the number is said, so that a line has a bound.
inline constexpr std::size_t most_files = 64;

std::string line_of(const engine::Job& job, const engine::JobEnd& end, Time now);

// {"time","lost"}: so many lines are missing here.
std::string gap_line(unsigned long long lost, Time now);

}  // namespace audit
