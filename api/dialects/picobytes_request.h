// A submission to picobytes: from JSON to values, and what is wrong with it, in the words of the
// framework that service was written with (FastAPI 0.115 with pydantic 2). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "api/dialects/picobytes_lists.h"
#include "isolate/sys/error.h"

namespace dialects {

struct PicobytesRequest {
    enum class Language { c, cpp };

    std::string code;
    std::string tests;                  // null is none
    std::int64_t timeout = 15;          // seconds, for everything
    std::int64_t per_test_timeout = 5;  // seconds, for each step and each test
    FunctionLists lists;
    Language language = Language::c;  // ours: the service had C alone

    bool operator==(const PicobytesRequest&) const = default;
};

// A request that cannot be processed: 422.
class Unprocessable : public sys::Error {
public:
    // `body` is the answer's: {"detail":[…]}
    explicit Unprocessable(std::string body);
    const std::string& body() const { return body_; }

private:
    std::string body_;
};

// Fields nobody knows are ignored; of a field given twice the last counts. Throws Unprocessable,
// with a row for each field that is missing or of the wrong type.
PicobytesRequest decode_picobytes(const std::string& body);

}  // namespace dialects
