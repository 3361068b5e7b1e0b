#include "isolate/doctor/kernel_table.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "isolate/sys/error.h"

namespace doctor {

namespace {

// Takes a number off the front.
bool take_number(std::string_view& text, int& number) {
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || number < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

// The version behind a word, as in "(Debian 6.1.176-1)".
std::optional<KernelVersion> version_behind(std::string_view text, std::string_view word) {
    const auto at = text.rfind(word);
    if (at == text.npos) return std::nullopt;
    return parse_kernel_version(text.substr(at + word.size()));
}

[[noreturn]] void refuse(int line, const std::string& why) {
    throw sys::Error(sys::Kind::invalid, "kernel.holes, line " + std::to_string(line) + ": " + why);
}

bool is_hole_name(std::string_view name) {
    return name.starts_with("cve-") && name.size() < 40 && std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

KernelHole parse_line(std::istringstream fields, int line) {
    KernelHole hole;
    std::string word;
    fields >> hole.name >> word;
    if (!is_hole_name(hole.name)) refuse(line, "a line begins with a name such as cve-2022-0847");
    const auto since = parse_kernel_version(word);
    if (!since && word != "-") refuse(line, "the second word is the first version with it, or -");
    hole.since = since.value_or(KernelVersion{});
    while (fields >> word && word != ":") {
        const auto version = parse_kernel_version(word);
        if (!version) refuse(line, "\"" + word + "\" is no version");
        hole.repaired.push_back(*version);
    }
    std::getline(fields >> std::ws, hole.about);
    if (hole.repaired.empty() || hole.about.empty())
        refuse(line, "wanted: NAME SINCE REPAIRED... : WHAT IT IS");
    if (!std::ranges::is_sorted(hole.repaired)) refuse(line, "the versions do not ascend");
    return hole;
}

}  // namespace

std::string to_string(const KernelVersion& version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor) + "." +
           std::to_string(version.patch);
}

std::optional<KernelVersion> parse_kernel_version(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    KernelVersion version;
    if (!take_number(text, version.major) || !text.starts_with('.')) return std::nullopt;
    text.remove_prefix(1);
    if (!take_number(text, version.minor)) return std::nullopt;
    if (!text.starts_with('.')) return version;
    text.remove_prefix(1);
    if (!take_number(text, version.patch)) return std::nullopt;
    return version;
}

std::optional<KernelVersion> upstream_version(std::string_view release, std::string_view version,
                                              std::string_view signature) {
    // "Ubuntu 5.15.0-91.101-generic 5.15.131": the last word.
    if (const auto last = version_behind(signature, " ")) return last;
    if (const auto debian = version_behind(version, "Debian ")) return debian;
    return parse_kernel_version(release);
}

std::vector<KernelHole> parse_holes(std::string_view text) {
    std::vector<KernelHole> holes;
    std::istringstream lines{std::string{text}};
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.empty() || line.front() == '#') continue;
        holes.push_back(parse_line(std::istringstream{line}, number));
    }
    return holes;
}

bool has_hole(const KernelVersion& kernel, const KernelHole& hole) {
    if (kernel < hole.since) return false;
    for (const auto& repaired : hole.repaired) {
        if (repaired.major == kernel.major && repaired.minor == kernel.minor)
            return kernel < repaired;
    }
    // A series of its own: repaired from its beginning if it is newer than all in the table.
    return kernel < hole.repaired.back();
}

}  // namespace doctor
