#include "api/dialects/picobytes_report.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "api/wire/json_text.h"

namespace dialects {

namespace {

using nlohmann::json;

constexpr int max_depth = 32;
constexpr std::size_t most_diagnostics = 1000;
constexpr int most_lines = 1'000'000'000;

template <typename Take>
void each_line(std::string_view text, const Take& take) {
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        take(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// Of the first place of a diagnostic.
std::optional<int> line_in(const json& diagnostic, std::string_view file) {
    const auto places = diagnostic.find("locations");
    if (places == diagnostic.end() || !places->is_array() || places->empty()) return std::nullopt;
    const auto caret =
        places->front().is_object() ? places->front().find("caret") : places->front().end();
    if (!places->front().is_object() || caret == places->front().end() || !caret->is_object() ||
        text_of(*caret, "file") != file)
        return std::nullopt;
    const auto line = caret->find("line");
    if (line == caret->end() || !line->is_number_integer()) return std::nullopt;
    const auto number = line->get<std::int64_t>();
    return static_cast<int>(std::clamp<std::int64_t>(number, 0, most_lines));
}

// Where its notes are, if it is not itself in the code: a second main is where the code has one.
int line_of(const json& diagnostic, std::string_view code) {
    if (const auto line = line_in(diagnostic, code_name)) return *line;
    if (const auto line = line_in(diagnostic, tests_name)) return line_of_test(code, *line);
    if (const auto notes = diagnostic.find("children");
        notes != diagnostic.end() && notes->is_array()) {
        for (const auto& note : *notes) {
            if (!note.is_object()) continue;
            if (const auto line = line_in(note, code_name)) return *line;
        }
    }
    return 0;
}

void read_array(std::string_view line, std::string_view code, std::vector<Diagnostic>& all) {
    const auto not_too_deep = [](int depth, json::parse_event_t, const json&) {
        return depth <= max_depth;
    };
    const auto array = json::parse(line, not_too_deep, false);
    if (!array.is_array()) return;
    for (const auto& diagnostic : array) {
        if (!diagnostic.is_object() || all.size() >= most_diagnostics) continue;
        const auto kind = text_of(diagnostic, "kind");
        if (kind != "error" && kind != "warning" && kind != "fatal error") continue;
        all.push_back({line_of(diagnostic, code), text_of(diagnostic, "message")});
    }
}

// code.c:3: undefined reference to `f'
void read_linker(std::string_view line, std::vector<Diagnostic>& all) {
    constexpr std::string_view what = "undefined reference to ";
    const auto message = line.find(what);
    const auto file = line.find(code_name);
    if (message == line.npos || file == line.npos || file > message) return;
    auto number = line.substr(file + std::string_view{code_name}.size());
    int value = 0;
    if (number.starts_with(':'))
        std::from_chars(number.data() + 1, number.data() + number.size(), value);
    if (all.size() < most_diagnostics)
        all.push_back({std::max(value, 0), std::string{line.substr(message)}});
}

std::string replaced(std::string_view text, std::string_view what, std::string_view with) {
    std::string made;
    for (auto at = text.find(what); at != text.npos; at = text.find(what)) {
        made.append(text.substr(0, at)).append(with);
        text.remove_prefix(at + what.size());
    }
    return made.append(text);
}

bool is_hexadecimal(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string without_addresses(std::string_view line) {
    std::string made;
    for (auto at = line.find("0x"); at != line.npos; at = line.find("0x")) {
        auto end = at + 2;
        while (end < line.size() && is_hexadecimal(line[end])) ++end;
        made.append(line.substr(0, at)).append(end > at + 2 ? "(address hidden)" : "0x");
        line.remove_prefix(end);
    }
    return made.append(line);
}

// A path ends at a blank or at a bracket; "/" alone, as of a division, is none.
std::string without_paths(std::string_view line) {
    std::string made;
    for (std::size_t at = 0; at < line.size();) {
        const bool begins = line[at] == '/' && at + 1 < line.size() &&
                            (std::isalnum(static_cast<unsigned char>(line[at + 1])) != 0) &&
                            (at == 0 || line[at - 1] == ' ' || line[at - 1] == '(');
        if (!begins) {
            made += line[at++];
            continue;
        }
        made += "(path hidden)";
        at = std::min(line.find_first_of(" )", at), line.size());
    }
    return made;
}

// "==12== text" without its beginning; nothing for a line that is not Valgrind's.
std::optional<std::string_view> report_line(std::string_view line) {
    if (!line.starts_with("==")) return std::nullopt;
    const auto end = line.find("==", 2);
    if (end == line.npos) return std::nullopt;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto pid = line.substr(2, end - 2);
    if (pid.empty() || !std::ranges::all_of(pid, is_digit)) return std::nullopt;
    line.remove_prefix(end + 2);
    while (line.starts_with(' ')) line.remove_prefix(1);
    while (line.ends_with(' ') || line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

}  // namespace

std::vector<Diagnostic> diagnostics_of(std::string_view json, std::string_view linker,
                                       std::string_view code) {
    std::vector<Diagnostic> all;
    each_line(json, [&](std::string_view line) {
        if (line.starts_with('[')) read_array(line, code, all);
    });
    each_line(linker, [&](std::string_view line) { read_linker(line, all); });
    return all;
}

std::string compiler_text(std::string_view text, const Secrets& secrets) {
    auto made = wire::valid_text(text);
    for (const std::string_view name : {"number", "begin", "end", "note", "tests", "run"})
        made = replaced(made, secrets.prefix + std::string{name}, "assert");
    for (const std::string_view directory : {"/box/submission/", "unit/", "/tmp/"})
        made = replaced(made, directory, "");
    made = replaced(made, "code.o:", "code.c:");
    // Notes about what stands around the tests.
    std::string kept;
    each_line(made, [&](std::string_view line) {
        if (!line.starts_with("main.c:") || line.find(": note: ") == line.npos)
            kept.append(line).append("\n");
    });
    return kept;
}

std::string valgrind_text(std::string_view report, const Secrets& secrets) {
    const auto clean = wire::valid_text(report);
    std::string made;
    bool begun = false;
    each_line(clean, [&](std::string_view line) {
        const auto text = report_line(line);
        if (!text) return;
        begun = begun || text->starts_with("HEAP SUMMARY:");
        if (!begun || text->empty()) return;
        made += without_paths(without_addresses(replaced(*text, secrets.prefix, ""))) + "\n";
    });
    if (made.empty()) return "HEAP SUMMARY not found.";
    made.pop_back();
    return made;
}

}  // namespace dialects
