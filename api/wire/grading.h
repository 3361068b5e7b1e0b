// The tests of a program: what a request says of them, and what the answer does.
#pragma once

#include <memory>
#include <string>

#include "api/wire/fields.h"
#include "engine/grading_plan.h"
#include "engine/job.h"
#include "engine/result.h"

namespace wire {

// The fields of a request that are about tests; `tests` is there.
struct GradingFields {
    const Element* tests;
    const Element* stop_on_first_failure;
    const Element* compare;
    std::shared_ptr<const engine::Job> checker;  // null: none
};

// The plan; input, arguments and limits that a test leaves out are those of the job. Throws
// sys::Error{invalid}, naming the field with its index.
std::shared_ptr<const engine::GradingPlan> decode_grading(const GradingFields& fields,
                                                          const engine::Job& job);

// Throws sys::Error{invalid} if a file of a checker has the name of one that it is given.
void check_checker_files(const engine::Job& checker);

// One test of the answer, without braces.
std::string test_fields_of(const engine::TestResult& test);

// ,"tests":[…],"score":{…} and, if it did not compile, ,"checker":{…}; empty if there were none.
std::string grading_fields(const engine::JobResult& result);

}  // namespace wire
