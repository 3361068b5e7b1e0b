// The fields of a flat JSON request, as plain values.
//
// Read as leniently as everywhere in this engine (wire/job.h): bytes that are no UTF-8 and halves
// of surrogate pairs count as U+FFFD, of a field given twice the last counts, other fields are
// skipped. What a type means to whom is each dialect's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/wire/request_fields.h"

namespace dialects {

struct Absent {
    bool operator==(const Absent&) const = default;
};
struct Null {
    bool operator==(const Null&) const = default;
};
// A list or an object.
struct Nested {
    bool operator==(const Nested&) const = default;
};

using Value = std::variant<Absent, Null, bool, std::int64_t, double, std::string, Nested>;

class Fields {
public:
    enum class Shape { nothing, object, something_else };  // of the whole body

    // Reads the fields that are described; the descriptions must outlive it. Throws
    // wire::SyntaxError for a body that is not JSON or nests deeper than 64 levels.
    Fields(const std::string& body, std::span<const wire::FieldDescription> described);

    Shape shape() const { return shape_; }

    // Absent for a name that is not among those.
    const Value& operator[](std::string_view name) const;

    // Whether it is there and not null.
    bool has(std::string_view name) const;

private:
    Shape shape_ = Shape::nothing;
    std::vector<std::pair<std::string_view, Value>> values_;
};

// The text of a field; absent and null count as "". Throws sys::Error{invalid}: "<name> must be a
// string".
const std::string& text_or_empty(const Fields& fields, std::string_view name);

// Throws sys::Error{invalid} with that sentence, in which a NUL would end it.
[[noreturn]] void refuse(std::string sentence);

}  // namespace dialects
