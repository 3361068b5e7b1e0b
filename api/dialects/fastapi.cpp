#include "api/dialects/fastapi.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "api/wire/json_text.h"
#include "api/wire/syntax_error.h"

namespace dialects {

namespace {

using Limits = std::numeric_limits<std::int64_t>;

// Begins where the body could not be read; of FastAPI's answer the message is what clients see.
Fields read(const std::string& body, std::span<const wire::FieldDescription> described) {
    try {
        return Fields(body, described);
    } catch (const wire::SyntaxError&) {
        throw FieldErrors({{"", "JSON decode error", "json_invalid"}});
    }
}

// "5", " 5 ", "-5", "5.0", as Pydantic takes a text for a number.
std::optional<std::int64_t> number_in(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\n\r");
    if (first == text.npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(" \t\n\r") - first + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (const auto point = text.find('.'); point != text.npos) {
        if (text.find_first_not_of('0', point + 1) != text.npos) return std::nullopt;
        text = text.substr(0, point);
    }
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = end == text.data() + text.size();
    if (is_number && error == std::errc::result_out_of_range)
        return text.starts_with('-') ? Limits::min() : Limits::max();
    if (!is_number || error != std::errc{}) return std::nullopt;
    return number;
}

void append_error(std::string& json, const FieldError& error) {
    json += R"({"type":)";
    wire::append_json_text(json, error.type);
    json += R"(,"loc":["body")";
    if (!error.field.empty()) {
        json += ',';
        wire::append_json_text(json, error.field);
    }
    json += R"(],"msg":)";
    wire::append_json_text(json, error.message);
    json += '}';
}

}  // namespace

FieldReader::FieldReader(const std::string& body, std::span<const wire::FieldDescription> described)
    : fields_(read(body, described)) {
    if (fields_.shape() == Fields::Shape::nothing)
        throw FieldErrors({{"", "Field required", "missing"}});
    if (fields_.shape() == Fields::Shape::something_else) {
        throw FieldErrors(
            {{"", "Input should be a valid dictionary or object to extract fields from",
              "model_attributes_type"}});
    }
}

void FieldReader::complain(std::string_view name, std::string_view message, std::string_view type) {
    errors_.push_back({std::string{name}, message, type});
}

std::string FieldReader::text(std::string_view name, Need need) {
    const auto& value = fields_[name];
    if (const auto* const text = std::get_if<std::string>(&value)) return *text;
    if (need == Need::optional && !fields_.has(name)) return {};
    if (std::holds_alternative<Absent>(value)) {
        complain(name, "Field required", "missing");
    } else {
        complain(name, "Input should be a valid string", "string_type");
    }
    return {};
}

std::optional<std::int64_t> FieldReader::whole_number(std::string_view name) {
    const auto& value = fields_[name];
    if (!fields_.has(name)) return std::nullopt;
    if (const auto* const number = std::get_if<std::int64_t>(&value)) return *number;
    if (const auto* const truth = std::get_if<bool>(&value)) return *truth ? 1 : 0;
    if (const auto* const number = std::get_if<double>(&value)) {
        if (*number >= static_cast<double>(Limits::max())) return Limits::max();
        if (*number <= static_cast<double>(Limits::min())) return Limits::min();
        if (std::trunc(*number) == *number) return static_cast<std::int64_t>(*number);
        complain(name, "Input should be a valid integer, got a number with a fractional part",
                 "int_from_float");
        return std::nullopt;
    }
    if (const auto* const text = std::get_if<std::string>(&value)) {
        if (const auto number = number_in(*text)) return number;
        complain(name, "Input should be a valid integer, unable to parse string as an integer",
                 "int_parsing");
        return std::nullopt;
    }
    complain(name, "Input should be a valid integer", "int_type");
    return std::nullopt;
}

void FieldReader::finish() const {
    if (!errors_.empty()) throw FieldErrors(errors_);
}

wire::Problem fastapi_problem_of(const std::exception& error, std::string_view id) {
    std::string json = R"({"detail":)";
    if (const auto* const fields = dynamic_cast<const FieldErrors*>(&error)) {
        json += '[';
        for (const auto& one : fields->all()) {
            if (!json.ends_with('[')) json += ',';
            append_error(json, one);
        }
        return {422, json + "]}"};
    }
    const auto known = wire::problem_of(error, id);
    constexpr int ours = 500;
    wire::append_json_text(json, known.status >= ours ? "Internal error: " + std::string{id}
                                                      : std::string{error.what()});
    return {known.status, json + '}'};
}

}  // namespace dialects
