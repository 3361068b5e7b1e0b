#include "api/wire/fields.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "engine/job.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

std::string number_text(const element& value) {
    if (!value.is_double()) return simdjson::minify(value);
    const double number = value;
    if (number == 0) return "0";
    // Where JavaScript changes to exponents.
    const bool plain = std::abs(number) >= 1e-6 && std::abs(number) < 1e21;
    std::array<char, 64> text{};
    const auto [end, error] =
        std::to_chars(text.begin(), text.end(), number,
                      plain ? std::chars_format::fixed : std::chars_format::scientific);
    return {text.begin(), end};
}

// What a request below zero means: for memory, that of most clients, as much as there is.
enum class Negative { means_the_most, is_refused };

// One limit of a request within the runtime's own, which is given as a count with its "unlimited".
std::uint64_t within(std::uint64_t own, std::uint64_t unlimited, const element* asked,
                     const std::string& name, Negative negative) {
    constexpr double largest_exact = 9007199254740992;  // 2^53; more is as good as no limit
    if (!is_given(asked)) return own;
    double value = 0;
    if (!asked->is_number() || asked->get(value) != simdjson::SUCCESS) {
        refuse("If specified, " + name + " must be a number");
    }
    if (own == unlimited) {
        if (value < 0 || value >= largest_exact) return own;
    } else if (value > static_cast<double>(own)) {
        refuse(name + " cannot exceed the configured limit of " + std::to_string(own));
    } else if (value < 0) {
        if (negative == Negative::is_refused) refuse(name + " must be non-negative");
        return own;
    }
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(value));
}

}  // namespace

[[noreturn]] void refuse(std::string sentence) {
    // What a client sent may be in it, and an exception's text ends at the first NUL.
    std::replace(sentence.begin(), sentence.end(), '\0', '?');
    throw sys::Error(sys::Kind::invalid, sentence);
}

// As JavaScript sees it, and with it Piston: absent, null, false, 0 and "" are all "not given".
bool is_given(const element* field) {
    if (!field) return false;
    switch (field->type()) {
        case element_type::NULL_VALUE:
            return false;
        case element_type::BOOL:
            return bool(*field);
        case element_type::STRING:
            return !std::string_view(*field).empty();
        case element_type::INT64:
        case element_type::UINT64:
        case element_type::DOUBLE:
            return double(*field) != 0;
        case element_type::ARRAY:
        case element_type::OBJECT:
            return true;
    }
    __builtin_unreachable();
}

void lower(config::Bytes& limit, const element* asked, const std::string& name) {
    limit.count =
        within(limit.count, config::unlimited_bytes.count, asked, name, Negative::means_the_most);
}

void lower(config::Milliseconds& limit, const element* asked, const std::string& name) {
    const auto count = [](config::Milliseconds time) {
        return static_cast<std::uint64_t>(time.count());
    };
    const auto chosen =
        within(count(limit), count(config::unlimited_time), asked, name, Negative::is_refused);
    limit = config::Milliseconds(static_cast<std::int64_t>(chosen));
}

std::string decode_stdin(const element* field, const std::string& name) {
    std::string text;
    if (is_given(field)) {
        if (!field->is_string()) refuse(name + " must be a string");
        const std::string_view given = *field;
        text.reserve(given.size() + 1);  // a megabyte should not be moved for one newline
        text = given;
    }
    if (!text.ends_with('\n')) text += '\n';
    return text;
}

// What JavaScript's String() makes of a value.
std::string text_of(const element& value) {
    switch (value.type()) {
        case element_type::STRING:
            return std::string(std::string_view(value));
        case element_type::NULL_VALUE:
            return "null";
        case element_type::BOOL:
            return bool(value) ? "true" : "false";
        case element_type::OBJECT:
            return "[object Object]";
        case element_type::INT64:
        case element_type::UINT64:
        case element_type::DOUBLE:
            return number_text(value);
        case element_type::ARRAY:
            break;
    }
    std::string joined;
    bool first = true;
    for (const auto member : simdjson::dom::array(value)) {
        if (!std::exchange(first, false)) joined += ',';
        if (!member.is_null()) joined += text_of(member);
    }
    return joined;
}

std::vector<std::string> decode_arguments(const element* field, const std::string& name) {
    std::vector<std::string> arguments;
    if (!is_given(field)) return arguments;
    if (!field->is_array()) refuse(name + " must be an array");
    std::size_t total = 0;
    for (const auto value : simdjson::dom::array(*field)) {
        const auto place = name + "[" + std::to_string(arguments.size()) + "]";
        auto argument = text_of(value);
        if (argument.find('\0') != argument.npos) refuse(place + " contains a NUL byte");
        if (argument.size() > engine::max_argument_bytes) {
            refuse(place + " is longer than " + std::to_string(engine::max_argument_bytes) +
                   " bytes");
        }
        total += argument.size() + 1;
        if (total > engine::max_arguments_bytes) {
            refuse(name + " are longer than " + std::to_string(engine::max_arguments_bytes) +
                   " bytes together");
        }
        arguments.push_back(std::move(argument));
    }
    return arguments;
}

}  // namespace wire
