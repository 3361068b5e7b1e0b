// What picobytes tells of what compiler and Valgrind wrote. Their texts come out of the box and are
// untrusted, whoever wrote them. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/dialects/picobytes_source.h"

namespace dialects {

struct Diagnostic {
    int line = 0;  // of the code; behind its end for the tests, 0 if it is of neither
    std::string message;

    bool operator==(const Diagnostic&) const = default;
};

// Errors and warnings from gcc -fdiagnostics-format=json, then those of the linker from its text.
// Lines that cannot be read are left out.
std::vector<Diagnostic> diagnostics_of(std::string_view json, std::string_view linker,
                                       std::string_view code);

// The compiler's text with the names of files as the submitter knows them.
std::string compiler_text(std::string_view text, const Secrets& secrets);

// Memcheck's report from its heap summary on, without what tells of the machine.
std::string valgrind_text(std::string_view report, const Secrets& secrets);

}  // namespace dialects
