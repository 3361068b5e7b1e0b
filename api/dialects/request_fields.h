// The fields of each service's requests, described: what the decoders read and what the API's
// document (/openapi.json) says are these tables.
#pragma once

#include "api/wire/request_fields.h"

namespace dialects {

using wire::FieldNeed;
using wire::FieldType;

inline constexpr wire::FieldDescription mini_fields[] = {
    {"language", FieldType::text, FieldNeed::required, "", "",
     "Name or alias of a language; its newest version runs."},
    {"code", FieldType::text, FieldNeed::required, "", "", "The program, in one file."},
    {"stdin", FieldType::text, FieldNeed::optional, R"("")", "",
     "What the program reads from its standard input."},
};

inline constexpr wire::FieldDescription base64_fields[] = {
    {"language", FieldType::text, FieldNeed::required, "", "", "python, javascript, cpp or java."},
    {"code", FieldType::text, FieldNeed::required, "", "",
     "The program, in base64 of UTF-8; of Java the class Solution."},
    {"stdin", FieldType::text, FieldNeed::optional, R"("")", "",
     "What the program reads from its standard input, in base64 of UTF-8."},
    {"timeout", FieldType::number, FieldNeed::optional, "", "",
     "Seconds for compiling and running together; the configured ones are the default and the "
     "most."},
};

inline constexpr wire::FieldDescription picobytes_fields[] = {
    {"code", FieldType::text, FieldNeed::required, "", "", "Functions in C, without main."},
    {"tests", FieldType::text, FieldNeed::optional, "null", "",
     "Statements of a function behind the code, such as assert(f(1) == 2);"},
    {"timeout", FieldType::number, FieldNeed::optional, "15", "", "Seconds for everything."},
    {"perTestTimeout", FieldType::number, FieldNeed::optional, "5", "",
     "Seconds for each step and for each assertion."},
    {"whitelisted", FieldType::texts, FieldNeed::optional, "null", "",
     "Functions that the code may call, besides its own; no others."},
    {"blacklisted", FieldType::texts, FieldNeed::optional, "null", "",
     "Functions that the code may not use."},
    {"language", FieldType::text, FieldNeed::optional, R"("c")", "",
     "c or cpp; whitelisted is for c alone."},
};

inline constexpr wire::FieldDescription executor_fields[] = {
    {"language", FieldType::text, FieldNeed::required, "", "",
     "python, javascript, go, java, c, cpp, rust, ruby or php."},
    {"code", FieldType::text, FieldNeed::required, "", "", "The program, in one file."},
    {"input", FieldType::text, FieldNeed::optional, R"("")", "",
     "What the program reads from its standard input."},
    {"timeout_seconds", FieldType::number, FieldNeed::optional, "0", "",
     "Seconds for compiling and running together; 0: the default. More than the most that is "
     "configured counts as that."},
    {"memory_limit_mb", FieldType::number, FieldNeed::optional, "0", "",
     "Memory of the program in MiB, likewise."},
    {"cpu_limit", FieldType::number, FieldNeed::optional, "0", "",
     "Processors it may use, such as 0.5, likewise."},
};

}  // namespace dialects
