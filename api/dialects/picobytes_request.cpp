#include "api/dialects/picobytes_request.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace dialects {

namespace {

using Json = nlohmann::ordered_json;

constexpr int max_depth = 64;

Json problem(std::string_view type, Json location, std::string_view message, Json input) {
    return {{"type", type},
            {"loc", std::move(location)},
            {"msg", message},
            {"input", std::move(input)}};
}

[[noreturn]] void refuse(Json details) {
    // What was sent is in it, and may be half a character.
    throw Unprocessable(
        Json{{"detail", std::move(details)}}.dump(-1, ' ', false, Json::error_handler_t::replace));
}

[[noreturn]] void refuse_syntax(std::size_t place, std::string_view reason) {
    auto row = problem("json_invalid", {"body", place}, "JSON decode error", Json::object());
    row["ctx"] = {{"error", reason}};
    refuse(Json::array({row}));
}

Json parse(const std::string& body) {
    if (body.empty())
        refuse(Json::array({problem("missing", {"body"}, "Field required", nullptr)}));
    bool too_deep = false;
    const auto watch = [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth > max_depth;
        return !too_deep;
    };
    try {
        auto root = Json::parse(body, watch);
        if (too_deep) refuse_syntax(0, "Nested too deeply");
        return root;
    } catch (const Json::parse_error& error) {
        refuse_syntax(error.byte == 0 ? 0 : error.byte - 1, "Expecting value");
    } catch (const Json::exception&) {
        refuse_syntax(0, "Number out of range");
    }
}

// Reads the fields of one body; what is wrong with them is collected.
class Form {
public:
    explicit Form(const Json& root) : root_(root) {}

    void read(const char* name, std::string& text) {
        if (const auto* const value = find(name)) take(*value, {"body", name}, text);
    }

    void require(const char* name, std::string& text) {
        if (root_.contains(name)) return read(name, text);
        details_.push_back(problem("missing", {"body", name}, "Field required", root_));
    }

    void read_or_null(const char* name, std::string& text) {
        if (const auto* const value = find(name); value && !value->is_null()) read(name, text);
    }

    // As leniently as pydantic: a whole number may come as a text, a float or a truth.
    void read(const char* name, std::int64_t& number) {
        const auto* const value = find(name);
        if (!value) return;
        const Json location{"body", name};
        if (value->is_boolean()) {
            number = value->get<bool>() ? 1 : 0;
        } else if (value->is_number_unsigned() || value->is_number_integer()) {
            take_integer(*value, number);
        } else if (value->is_number_float()) {
            take_float(*value, location, number);
        } else if (value->is_string()) {
            take_digits(*value, location, number);
        } else {
            wrong("int_type", location, "Input should be a valid integer", *value);
        }
    }

    void read(const char* name, std::optional<std::vector<std::string>>& list) {
        const auto* const value = find(name);
        if (!value || value->is_null()) return;
        if (!value->is_array())
            return wrong("list_type", {"body", name}, "Input should be a valid list", *value);
        list.emplace();
        for (std::size_t index = 0; index < value->size(); ++index) {
            std::string text;
            take((*value)[index], {"body", name, index}, text);
            list->push_back(std::move(text));
        }
    }

    void read(const char* name, PicobytesRequest::Language& language) {
        const auto* const value = find(name);
        if (!value || value->is_null() || *value == "c") return;
        language = PicobytesRequest::Language::cpp;
        if (*value != "cpp")
            wrong("literal_error", {"body", name}, "Input should be 'c' or 'cpp'", *value);
    }

    void wrong(std::string_view type, Json location, std::string_view message, const Json& input) {
        details_.push_back(problem(type, std::move(location), message, input));
    }

    void end() {
        if (!details_.empty()) refuse(std::move(details_));
    }

private:
    const Json* find(const char* name) const {
        const auto found = root_.find(name);
        return found == root_.end() ? nullptr : &*found;
    }

    void take(const Json& value, Json location, std::string& text) {
        if (!value.is_string())
            return wrong("string_type", std::move(location), "Input should be a valid string",
                         value);
        text = value.get<std::string>();
    }

    // More seconds than there are in the numbers' range are as good as the largest.
    static void take_integer(const Json& value, std::int64_t& number) {
        constexpr auto largest = std::numeric_limits<std::int64_t>::max();
        if (value.is_number_unsigned() &&
            value.get<std::uint64_t>() > static_cast<std::uint64_t>(largest)) {
            number = largest;
        } else {
            number = value.get<std::int64_t>();
        }
    }

    void take_float(const Json& value, Json location, std::int64_t& number) {
        constexpr double largest_exact = 9007199254740992;  // 2^53
        const auto sent = value.get<double>();
        if (std::abs(sent) <= largest_exact && std::trunc(sent) == sent) {
            number = static_cast<std::int64_t>(sent);
        } else {
            wrong("int_from_float", std::move(location),
                  "Input should be a valid integer, got a number with a fractional part", value);
        }
    }

    void take_digits(const Json& value, Json location, std::int64_t& number) {
        const auto& text = value.get_ref<const std::string&>();
        std::int64_t read = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
        if (error == std::errc{} && end == text.data() + text.size()) {
            number = read;
        } else {
            wrong("int_parsing", std::move(location),
                  "Input should be a valid integer, unable to parse string as an integer", value);
        }
    }

    const Json& root_;
    Json details_ = Json::array();
};

}  // namespace

Unprocessable::Unprocessable(std::string body)
    : Error(sys::Kind::invalid, "the request cannot be processed"), body_(std::move(body)) {}

PicobytesRequest decode_picobytes(const std::string& body) {
    const auto root = parse(body);
    if (!root.is_object()) {
        refuse(Json::array({problem(
            "model_attributes_type", {"body"},
            "Input should be a valid dictionary or object to extract fields from", root)}));
    }
    PicobytesRequest request;
    Form form{root};
    form.require("code", request.code);
    form.read_or_null("tests", request.tests);
    form.read("timeout", request.timeout);
    form.read("perTestTimeout", request.per_test_timeout);
    form.read("whitelisted", request.lists.allowed);
    form.read("blacklisted", request.lists.denied);
    form.read("language", request.language);
    if (request.language == PicobytesRequest::Language::cpp && request.lists.allowed) {
        form.wrong("value_error", {"body", "whitelisted"},
                   "Value error, a list of allowed functions is for C alone", root["whitelisted"]);
    }
    form.end();
    return request;
}

}  // namespace dialects
