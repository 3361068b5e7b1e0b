// What picobytes compiles and starts: the submission's translation unit, the program around it, and
// the commands. Pure.
//
// The unit is the code and, in a function behind it, the tests; line directives keep the numbers of
// both. The program counts assertions as they are evaluated and says of each on its standard
// output, between marks that begin with a secret of this one job, when it begins and how it ended
// (picobytes_trial.h reads that). So the program's own printing is not taken for a result, and an
// assertion that ends the program or never ends is known by its number. Started again with that
// number, the program leaves it out and goes on behind it with everything before it done.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialects/picobytes_request.h"
#include "packages/script.h"

namespace dialects {

// Made anew for each job, of letters and digits.
struct Secrets {
    std::string prefix;  // of the names that the unit shares with the program; a C name
    std::string mark;    // what marks in the output begin with

    std::string own_assert() const { return prefix + "note"; }
};

// Names in the job's directory.
// As the debugger's tables have the name of the file that was compiled, it is that of the code.
inline constexpr const char* unit_file = "unit/code.c";
inline constexpr const char* analyzed_file = "analyzed.code";
inline constexpr const char* program_file = "program.code";

// What the compiler calls them, and so do its messages.
inline constexpr const char* code_name = "code.c";
inline constexpr const char* tests_name = "tests.c";

std::string unit_text(const PicobytesRequest& request, const Secrets& secrets);
// The unit without the tests, for the lists.
std::string analyzed_text(const PicobytesRequest& request, const Secrets& secrets);
// The program around the unit, with a time for each assertion.
std::string program_text(const PicobytesRequest& request, const Secrets& secrets);

// The line in the service's own numbering, code and tests being one text there, of a line of the
// tests.
int line_of_test(std::string_view code, int line);

// Commands of a compiler that is called `compiler` and takes `standard`, such as -std=gnu17.
struct Toolchain {
    std::string compiler;
    std::string standard;
    PicobytesRequest::Language language = PicobytesRequest::Language::c;
};

// That of a runtime: the program and the standard of its compile stage's arguments or, where that
// is a script alone, of the last line of it that begins with "exec". Empty if that names no
// program.
std::optional<Toolchain> toolchain_of(const packages::Script& compile,
                                      PicobytesRequest::Language language);

// Writes the preprocessed text, a NUL and the undefined symbols. Fails where the compiler does.
std::string analysis_script(const Toolchain& toolchain);
// Makes a.out; diagnostics as JSON on standard output, as text on standard error.
packages::Script compile_script(const Toolchain& toolchain);
packages::Script run_script();
// Memcheck's report on standard error, nothing of the program; 127 if there is no Valgrind.
packages::Script valgrind_script();

}  // namespace dialects
