// toml++ is built without exceptions here, so that a syntax error is a result that can be looked
// at: it would otherwise have to be caught and thrown again. Its assertions are off in every build:
// of a header such as [[[a]]] toml++ 3.3 asserts, or with NDEBUG promises the compiler, what it
// only then checks; the check alone reports a syntax error.
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(condition) static_assert(true)
#undef NDEBUG
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "config/sources.h"

namespace config {

namespace {

std::string read_text(const std::string& path) {
    auto error = std::error_code{};
    if (std::filesystem::is_directory(path, error)) refuse(path, "this is a directory, not a file");

    auto in = std::ifstream(path, std::ios::binary);
    if (!in) refuse(path, "cannot be read: " + std::generic_category().message(errno));

    // Block by block, because of all ways only read() reports an I/O error without throwing.
    auto text = std::string{};
    auto block = std::array<char, 4096>{};
    while (in.read(block.data(), block.size()), in.gcount() > 0) {
        text.append(block.data(), static_cast<std::size_t>(in.gcount()));
    }
    if (in.bad()) refuse(path, "cannot be read to its end");
    return text;
}

// Walks the parsed file along the table of knobs and collects what it gives.
class Reader {
public:
    Reader(const std::string& path, const std::vector<Knob>& knobs) : path_(path), knobs_(knobs) {}

    // Takes all values of a section and of those within; the prefix is its name and a dot.
    void section(const toml::table& table, const std::string& prefix) {
        for (const auto& [name, node] : table) {
            const auto key = prefix + std::string(name.str());
            // A dot in a quoted name must not pass for the dot between section and name.
            if (name.str().find('.') != name.str().npos) unknown(key, name.source());

            if (key == overrides_section) {
                languages(only_table(key, node));
            } else if (const auto* knob = find_knob(knobs_, key)) {
                take(key, knob->form, knob->expects, node);
            } else if (is_section(key)) {
                section(only_table(key, node), key + ".");
            } else {
                unknown(key, name.source());
            }
        }
    }

    std::vector<Given> given() && { return std::move(given_); }

private:
    bool is_section(const std::string& key) const {
        return std::ranges::any_of(
            knobs_, [&](const auto& knob) { return knob.key.starts_with(key + "."); });
    }

    void languages(const toml::table& table) {
        for (const auto& [language, node] : table) {
            const auto section = std::string(overrides_section) + "." + std::string(language.str());
            for (const auto& [name, value] : only_table(section, node)) {
                const auto key = section + "." + std::string(name.str());
                if (value.is_table()) {
                    refuse(place(value.source()),
                           in_quotes(key) +
                               " is a section where a limit should be; the name of a "
                               "language with a dot needs quotes");
                }
                take(key, Form::number, "a whole number", value);
            }
        }
    }

    void take(const std::string& key, Form form, const std::string& expects,
              const toml::node& node) {
        if (form == Form::list && node.is_array()) return take_list(key, expects, *node.as_array());
        const auto text = node.value<std::string_view>();
        const auto number = node.is_integer() ? node.value<std::int64_t>() : std::nullopt;

        const bool is_words = form == Form::text || form == Form::list;
        const bool fits = is_words               ? text.has_value()
                          : form == Form::number ? number || text == "unlimited"
                                                 : number || text;
        if (!fits) refuse(place(node.source()), key + " needs " + expects + described(form));
        given_.push_back(
            {key, number ? std::to_string(*number) : std::string(*text), place(node.source())});
    }

    void take_list(const std::string& key, const std::string& expects, const toml::array& array) {
        auto joined = std::string{};
        for (const auto& node : array) {
            const auto text = node.value<std::string_view>();
            // A comma would make two of it.
            if (!text || text->empty() || text->find(',') != text->npos)
                refuse(place(node.source()), key + " needs " + expects + described(Form::list));
            joined.append(joined.empty() ? "" : ", ").append(*text);
        }
        given_.push_back({key, joined, place(array.source())});
    }

    static std::string described(Form form) {
        if (form == Form::list) return ", each in quotes";
        if (form == Form::text) return ", in quotes";
        return form == Form::number ? ", without quotes" : "";
    }

    const toml::table& only_table(const std::string& key, const toml::node& node) const {
        const auto* table = node.as_table();
        if (!table) refuse(place(node.source()), in_quotes(key) + " is a section, not a value");
        return *table;
    }

    [[noreturn]] void unknown(const std::string& key, const toml::source_region& where) const {
        refuse(place(where), "there is no setting " + in_quotes(key));
    }

    std::string place(const toml::source_region& where) const {
        return path_ + ":" + std::to_string(where.begin.line);
    }

    const std::string& path_;
    const std::vector<Knob>& knobs_;
    std::vector<Given> given_;
};

}  // namespace

std::vector<Given> read_file(const std::string& path, bool must_exist,
                             const std::vector<Knob>& knobs) {
    auto error = std::error_code{};
    const auto type = std::filesystem::status(path, error).type();
    const bool missing = type == std::filesystem::file_type::not_found;
    if (path.empty() || (missing && !must_exist)) return {};

    const auto parsed = toml::parse(read_text(path), path);
    if (!parsed) {
        refuse(path + ":" + std::to_string(parsed.error().source().begin.line),
               "this is not TOML: " + std::string(parsed.error().description()));
    }
    auto reader = Reader(path, knobs);
    reader.section(parsed.table(), "");
    return std::move(reader).given();
}

}  // namespace config
