#include "api/dialects/fields.h"

#include <simdjson.h>

#include <algorithm>
#include <new>
#include <optional>

#include "api/wire/json_text.h"
#include "api/wire/surrogates.h"
#include "api/wire/syntax_error.h"
#include "isolate/sys/error.h"

namespace dialects {

namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using Parser = simdjson::dom::parser;

constexpr std::size_t max_depth = 64;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

simdjson::error_code read(Parser& parser, const std::string& body, element& root) {
    const auto skipped = body.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
    const bool must_copy = body.capacity() - body.size() < simdjson::SIMDJSON_PADDING;
    return parser.parse(body.data() + skipped, body.size() - skipped, must_copy).get(root);
}

// The document, which lives in the parser.
element parse(Parser& parser, const std::string& body) {
    element root;
    auto error = read(parser, body, root);
    std::optional<std::string> mended;
    if (error == simdjson::UTF8_ERROR) {
        mended = wire::valid_text(body);
        error = read(parser, *mended, root);
    }
    if (error == simdjson::STRING_ERROR) {
        if (auto whole = wire::without_half_characters(mended ? *mended : body)) {
            mended = std::move(whole);
            error = read(parser, *mended, root);
        }
    }
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    if (error) throw wire::explain_syntax(mended ? *mended : body, simdjson::error_message(error));
    return root;
}

Value value_of(const element& value) {
    switch (value.type()) {
        case element_type::NULL_VALUE:
            return Null{};
        case element_type::BOOL:
            return bool(value);
        case element_type::STRING:
            return std::string{std::string_view(value)};
        case element_type::INT64:
            return std::int64_t{value};
        case element_type::UINT64:  // only what is more than an INT64
        case element_type::DOUBLE:
            return double(value);
        case element_type::ARRAY:
        case element_type::OBJECT:
            return Nested{};
    }
    __builtin_unreachable();
}

}  // namespace

Fields::Fields(const std::string& body, std::span<const wire::FieldDescription> described) {
    for (const auto& field : described) values_.emplace_back(field.name, Absent{});
    if (body.empty() || body == byte_order_mark) return;
    Parser parser;
    if (parser.allocate(4096, max_depth) != simdjson::SUCCESS) throw std::bad_alloc();
    const auto root = parse(parser, body);
    simdjson::dom::object object;
    shape_ = Shape::something_else;
    if (root.get(object) != simdjson::SUCCESS) return;
    shape_ = Shape::object;
    for (const auto [name, value] : object) {
        const auto found =
            std::ranges::find(values_, name, &std::pair<std::string_view, Value>::first);
        if (found != values_.end()) found->second = value_of(value);
    }
}

const Value& Fields::operator[](std::string_view name) const {
    static const Value absent = Absent{};
    const auto found = std::ranges::find(values_, name, &std::pair<std::string_view, Value>::first);
    return found == values_.end() ? absent : found->second;
}

bool Fields::has(std::string_view name) const {
    const auto& value = (*this)[name];
    return !std::holds_alternative<Absent>(value) && !std::holds_alternative<Null>(value);
}

const std::string& text_or_empty(const Fields& fields, std::string_view name) {
    static const std::string nothing;
    if (!fields.has(name)) return nothing;
    const auto* const text = std::get_if<std::string>(&fields[name]);
    if (!text) refuse(std::string{name} + " must be a string");
    return *text;
}

void refuse(std::string sentence) {
    std::replace(sentence.begin(), sentence.end(), '\0', '?');
    throw sys::Error(sys::Kind::invalid, sentence);
}

}  // namespace dialects
