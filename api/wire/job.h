// A request to execute, from JSON to a job: decoded, checked and limited.
//
// The checks, their order and their sentences are Piston's, because clients match on them; where
// Piston answers nothing useful (an empty 400 or 500) the sentence names the field. Fields nobody
// knows are ignored, of a field given twice the last counts. Where 0, null, false or "" is given
// for a limit, the runtime's own applies, which is also the most that can be asked for: nothing
// lifts a limit.
#pragma once

#include <string_view>

#include "engine/job.h"
#include "engine/runtime.h"

namespace wire {

// Whose rules a request is read by.
enum class Dialect {
    piston,  // a Piston of one's own
    // The public one (facade.h): a limit that is too high counts as the highest, CPU times cannot
    // be asked for, `files` may be one text, and `args` that are no list are none.
    facade,
};

// The job, without an id. A body that has 64 bytes of capacity to spare is read where it lies, and
// copied otherwise. An empty body counts as an object without fields, and so does an array.
// Text of the request's own, such as stdin, comes out as UTF-8; stdin always ends in a newline.
// Half a surrogate pair in an escape and bytes that are no UTF-8 count as U+FFFD. Throws
// wire::SyntaxError (syntax_error.h) for a body that is not JSON or nests deeper than 64 levels;
// sys::Error{invalid} for everything else that cannot be run.
engine::Job decode_job(const std::string& body, const engine::Runtimes& runtimes,
                       Dialect dialect = Dialect::piston);

// Throws what decode_job throws for a body that is no object and no list; empty is good.
void check_json(const std::string& body);

// The job of a request to the first version of the public API: `language`, `source`, and, if given,
// `args`, `stdin` and `version`. Throws as decode_job does, with the sentences of that version.
engine::Job decode_v1_job(const std::string& body, const engine::Runtimes& runtimes);

}  // namespace wire
