// Reading a manifest's TOML key by key: what manifest.cpp and package.cpp share. Only they include
// this, for it brings all of toml++ along.
#pragma once

// toml++ gives syntax errors as values here, with the place they are at. Its assertions stay off
// even in debug builds: some of them fail on malformed headers that the check behind them reports
// properly.
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(condition) static_assert(true)
#undef NDEBUG
#include <toml++/toml.h>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "packages/script.h"

namespace packages {

using Names = std::initializer_list<std::string_view>;

// A table of the file, and the words to refuse what stands in it.
struct Section {
    const std::string& file;
    const toml::table& table;

    [[noreturn]] void refuse(const toml::source_region& place, const std::string& why) const;
    void allow_only(Names known) const;

    // The string, which must not hold what no argument, variable or path can.
    std::string text(const toml::node& node, std::string_view key) const;
    std::string text_or(std::string_view key, const std::string& otherwise) const;
    std::string required_text(std::string_view key) const;
    std::vector<std::string> texts(std::string_view key) const;
    const toml::node& required(std::string_view key) const;
    Section section(std::string_view key) const;
    // The tables of an array of tables; none if the key is missing.
    std::vector<Section> sections(std::string_view key) const;
};

// Parses the text. Throws sys::Error{invalid}: "<file>:<line>: <why>".
toml::table parse_toml(std::string_view text, const std::string& file);

// Without control characters.
bool printable(std::string_view text);

std::vector<std::string> read_argv(const Section& section, std::string_view key, Names allowed);
Script read_compile(const Section& section);
Script read_run(const Section& section);
std::vector<std::string> read_environment(const Section& section);
config::LimitOverrides read_limits(const Section& section);

}  // namespace packages
