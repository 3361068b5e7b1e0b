// How services built with Python's FastAPI speak of requests they cannot use: every field that is
// wrong, at once, with status 422. The words are those of its second version of Pydantic.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialects/fields.h"
#include "api/wire/problem.h"
#include "isolate/sys/error.h"

namespace dialects {

struct FieldError {
    std::string field;  // empty: the body itself
    std::string_view message, type;

    bool operator==(const FieldError&) const = default;
};

// A request with at least one such field.
class FieldErrors : public sys::Error {
public:
    explicit FieldErrors(std::vector<FieldError> all)
        : Error(sys::Kind::invalid, "the request has fields that cannot be used"),
          all_(std::move(all)) {}

    const std::vector<FieldError>& all() const { return all_; }

private:
    std::vector<FieldError> all_;
};

enum class Need { required, optional };

// Reads the fields of one request and remembers what was wrong with them.
class FieldReader {
public:
    // Throws FieldErrors if the body is empty, not JSON or no object.
    FieldReader(const std::string& body, std::span<const wire::FieldDescription> described);

    // "" if it is absent or wrong. An optional one may be null.
    std::string text(std::string_view name, Need need);

    // A whole number, which may be written 5.0 or "5" and true; empty if it is absent, null or
    // wrong. What is beyond an int64 is the nearest.
    std::optional<std::int64_t> whole_number(std::string_view name);

    // Throws FieldErrors if anything was wrong.
    void finish() const;

private:
    void complain(std::string_view name, std::string_view message, std::string_view type);

    Fields fields_;
    std::vector<FieldError> errors_;
};

// {"detail": …}: the list with 422 for FieldErrors, else a sentence.
wire::Problem fastapi_problem_of(const std::exception& error, std::string_view id);

}  // namespace dialects
