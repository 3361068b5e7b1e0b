// The fields of a request to execute, described: one table for the decoder, the API's document and
// its page.
//
// The decoder (job.cpp) has a row for each, in the same order, and does not compile otherwise; so
// what is described is what is read.
#pragma once

#include <string_view>

namespace wire {

enum class FieldType { text, number, texts, files };
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
