// What a package's self-test sends to an engine, and whether what comes back passes. Pure.
//
// The tests' names say what their programs must do (packages/README.md): hello, utf8, stdin, args,
// fails, broken, modules; a test of any other name must end with exit code 0. What was printed may
// lack the last newline, and may have blanks or carriage returns at the ends of lines.
#pragma once

#include <string>
#include <string_view>

#include "packages/package.h"

namespace cli {

// The body of POST /api/v2/execute. `version` is the exact one of the runtime to be tested.
std::string request_of(const packages::Provided& provided, const std::string& version,
                       const packages::SelfTest& test);

struct Judgement {
    bool passed = false;
    std::string why;     // a sentence, if it did not pass
    double wall_ms = 0;  // of both stages, as the engine measured it

    bool operator==(const Judgement&) const = default;
};

// Of an answer to that request: status of HTTP, and body. Throws nothing on any body.
Judgement judge(const packages::SelfTest& test, long status, std::string_view body);

}  // namespace cli
