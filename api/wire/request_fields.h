// The fields of a request to execute, described: one table for the decoder, the API's document and
// its page.
//
// The decoder (job.cpp) has a row for each, in the same order, and does not compile otherwise; so
// what is described is what is read.
#pragma once

#include <string_view>

namespace wire {

enum class FieldType {
    text,
    number,
    texts,
    files,
    flag,
    tests,
    comparison,  // a word, or an object of comparison_fields
    test_limits,
    checker,
};
enum class FieldNeed { required, optional };

struct FieldDescription {
    std::string_view name;
    FieldType type;
    FieldNeed need;
    std::string_view fallback;  // JSON that an absent field counts as; empty: see the sentence
    std::string_view unit;      // empty: none
    std::string_view sentence;  // what it is, for people, with its full stop
};

inline constexpr std::string_view configured_limit =
    "The runtime's own limit holds if it is absent, null or 0, and is the most that can be asked "
    "for.";

inline constexpr FieldDescription job_fields[] = {
    {"language", FieldType::text, FieldNeed::required, "", "",
     "Name or alias of a language, as GET /api/v2/runtimes has it."},
    {"version", FieldType::text, FieldNeed::required, "", "",
     "A version or a range of versions, such as 3.11.2, 3.x or >=18; * is the newest."},
    {"files", FieldType::files, FieldNeed::required, "", "",
     "The program's files; the first one in utf8 is the main file."},
    {"stdin", FieldType::text, FieldNeed::optional, R"("")", "",
     "What the program reads from its standard input; a newline is added at the end if there is "
     "none."},
    {"args", FieldType::texts, FieldNeed::optional, "[]", "", "Arguments of the program."},
    {"compile_memory_limit", FieldType::number, FieldNeed::optional, "", "bytes",
     "Memory while compiling; below zero: as much as is allowed."},
    {"run_memory_limit", FieldType::number, FieldNeed::optional, "", "bytes",
     "Memory while running; below zero: as much as is allowed."},
    {"compile_timeout", FieldType::number, FieldNeed::optional, "", "milliseconds",
     "Wall-clock time for compiling."},
    {"run_timeout", FieldType::number, FieldNeed::optional, "", "milliseconds",
     "Wall-clock time for running."},
    {"compile_cpu_time", FieldType::number, FieldNeed::optional, "", "milliseconds",
     "Processor time for compiling."},
    {"run_cpu_time", FieldType::number, FieldNeed::optional, "", "milliseconds",
     "Processor time for running."},
    {"tests", FieldType::tests, FieldNeed::optional, "", "",
     "What the program is tested with: it is compiled once and run for each test in a box of its "
     "own. If it is given, the answer has tests and score, and run is that of the first test that "
     "was run and not accepted, else of the last."},
    {"stop_on_first_failure", FieldType::flag, FieldNeed::optional, "false", "",
     "Whether the tests behind the first one that is not accepted are left out."},
    {"compare", FieldType::comparison, FieldNeed::optional, R"("trimmed")", "",
     "How tests compare that do not say so themselves; with a checker: checker."},
    {"checker", FieldType::checker, FieldNeed::optional, "", "",
     "A program that judges the output of tests."},
};

// Of an element of `tests`.
inline constexpr FieldDescription test_fields[] = {
    {"name", FieldType::text, FieldNeed::optional, "", "",
     "Its name in the answer; its number, counted from 1, if it is absent."},
    {"stdin", FieldType::text, FieldNeed::optional, "", "",
     "What the program reads from its standard input; as in the request if it is absent."},
    {"args", FieldType::texts, FieldNeed::optional, "", "",
     "Arguments of the program; as in the request if it is absent."},
    {"expected_output", FieldType::text, FieldNeed::optional, "", "",
     "What its standard output is compared with; if it is absent, to end well is enough."},
    {"compare", FieldType::comparison, FieldNeed::optional, "", "",
     "How it is compared; as in the request if it is absent."},
    {"limits", FieldType::test_limits, FieldNeed::optional, "", "",
     "Limits of this run; as in the request where they are absent."},
    {"points", FieldType::number, FieldNeed::optional, "1", "", "What it is worth."},
};

inline constexpr FieldDescription comparison_fields[] = {
    {"mode", FieldType::text, FieldNeed::optional, "", "",
     "exact: byte for byte. trimmed: but for white space at the end of lines and empty lines at "
     "the end. tokens: what stands between white space. floats: likewise, numbers within a "
     "tolerance. lines: as trimmed, in any order. regex: all of the output, without white space "
     "at its end, matches expected_output, an RE2 expression. checker: the checker says."},
    {"absolute", FieldType::number, FieldNeed::optional, "1e-9", "",
     "Of floats: how far a number may be off."},
    {"relative", FieldType::number, FieldNeed::optional, "1e-9", "",
     "Of floats: how far it may be off otherwise, times the expected number."},
};

inline constexpr FieldDescription test_limit_fields[] = {
    {"run_memory_limit", FieldType::number, FieldNeed::optional, "", "bytes", "Memory."},
    {"run_timeout", FieldType::number, FieldNeed::optional, "", "milliseconds", "Wall-clock time."},
    {"run_cpu_time", FieldType::number, FieldNeed::optional, "", "milliseconds", "Processor time."},
};

// Of the public Piston's version 1.
inline constexpr FieldDescription v1_job_fields[] = {
    {"language", FieldType::text, FieldNeed::required, "", "", "Name or alias of a language."},
    {"source", FieldType::text, FieldNeed::required, "", "", "The program, in one file."},
    {"version", FieldType::text, FieldNeed::optional, R"("*")", "",
     "A version or a range of versions; * is the newest."},
    {"stdin", FieldType::text, FieldNeed::optional, R"("")", "",
     "What the program reads from its standard input."},
    {"args", FieldType::texts, FieldNeed::optional, "[]", "", "Arguments of the program."},
};

inline constexpr FieldDescription file_fields[] = {
    {"name", FieldType::text, FieldNeed::optional, "", "",
     "Name in the job's directory, sub-directories allowed; file<i>.code if it is absent."},
    {"content", FieldType::text, FieldNeed::required, "", "", "What is in the file."},
    {"encoding", FieldType::text, FieldNeed::optional, R"("utf8")", "",
     "How the content is written down: utf8, base64 or hex."},
};

}  // namespace wire
