#include "packages/debian_text.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "isolate/sys/error.h"
#include "packages/host.h"
#include "packages/names.h"

namespace packages {

namespace {

constexpr std::size_t max_sentence = 600;

// The next line, without its end; taken out of the text.
std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || rest != text.data() + text.size()) return {};
    return value;
}

// "%3a" as ":", which is all that apt escapes in a version for the sake of a file name.
std::string without_escapes(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const bool colon = text.starts_with("%3a");
        result += colon ? ':' : text.front();
        text.remove_prefix(colon ? 3 : 1);
    }
    return result;
}

// "name_version_architecture.deb"; empty if it is not that.
std::optional<DebianPackage> parse_file_name(std::string_view file_name) {
    const auto first = file_name.find('_');
    const auto last = file_name.rfind('_');
    if (!file_name.ends_with(".deb") || first == last || !is_file_name(file_name)) return {};
    auto package = DebianPackage{
        .name = std::string{file_name.substr(0, first)},
        .version = without_escapes(file_name.substr(first + 1, last - first - 1)),
        .architecture = std::string{file_name.substr(last + 1, file_name.size() - last - 5)},
        .file_name = std::string{file_name},
    };
    const bool usable = is_debian_name(package.name) && is_plain_name(package.version, ".+-~:") &&
                        is_plain_name(package.architecture, "-");
    return usable ? std::optional{package} : std::nullopt;
}

std::optional<DebianPackage> parse_uri(std::string_view line) {
    const auto quote = line.find('\'', 1);
    if (quote == std::string_view::npos) return {};
    auto rest = trimmed(line.substr(quote + 1));
    const auto blank = rest.find(' ');
    auto package = parse_file_name(rest.substr(0, blank));
    if (!package || blank == std::string_view::npos) return {};
    rest = trimmed(rest.substr(blank));
    const auto size = number(rest.substr(0, rest.find(' ')));
    if (!size) return {};
    package->size = *size;
    package->url = line.substr(1, quote - 1);
    return package;
}

// Fields that are about the file, or long and of no use to apt.
bool is_dropped(std::string_view name) {
    constexpr std::string_view dropped[] = {"Filename", "Size",   "MD5sum",          "SHA1",
                                            "SHA256",   "SHA512", "Description-md5", "Tag",
                                            "Status"};
    return std::ranges::find(dropped, name) != std::end(dropped);
}

}  // namespace

std::vector<DebianPackage> parse_uris(std::string_view output) {
    std::vector<DebianPackage> packages;
    while (!output.empty()) {
        const auto line = take_line(output);
        if (!line.starts_with('\'')) continue;
        auto package = parse_uri(line);
        if (!package) {
            throw sys::Error(sys::Kind::broken, "apt-get names a download that cannot be read: " +
                                                    in_quotes(without_passwords(line)));
        }
        packages.push_back(std::move(*package));
    }
    return packages;
}

std::vector<std::string> split_stanzas(std::string_view text) {
    std::vector<std::string> stanzas;
    std::string stanza;
    while (!text.empty()) {
        const auto line = take_line(text);
        if (!trimmed(line).empty()) {
            stanza += std::string{line} + "\n";
        } else if (!stanza.empty()) {
            stanzas.push_back(std::exchange(stanza, {}));
        }
    }
    if (!stanza.empty()) stanzas.push_back(std::move(stanza));
    return stanzas;
}

std::optional<std::string> field(std::string_view stanza, std::string_view name) {
    while (!stanza.empty()) {
        const auto line = take_line(stanza);
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':') {
            return std::string{trimmed(line.substr(name.size() + 1))};
        }
    }
    return {};
}

std::string installed_stanza(std::string_view stanza) {
    std::string result;
    bool keeps = true;
    while (!stanza.empty()) {
        const auto line = take_line(stanza);
        if (line.empty()) continue;
        // A line that begins with a blank goes on with the field before it.
        if (line.front() != ' ' && line.front() != '\t') {
            keeps = !is_dropped(line.substr(0, line.find(':')));
        }
        if (!keeps) continue;
        result += std::string{line} + "\n";
        if (line.starts_with("Package:")) result += "Status: install ok installed\n";
    }
    return result;
}

void complete(std::vector<DebianPackage>& packages, std::string_view shown) {
    // By name, version and architecture: a machine may have lists of several architectures.
    const auto key = [](const std::string& name, const std::string& version,
                        const std::string& architecture) {
        return name + " " + version + " " + architecture;
    };
    std::map<std::string, std::string> stanzas;
    for (auto& stanza : split_stanzas(shown)) {
        auto name =
            key(field(stanza, "Package").value_or(""), field(stanza, "Version").value_or(""),
                field(stanza, "Architecture").value_or(""));
        stanzas.emplace(std::move(name), std::move(stanza));
    }
    for (auto& package : packages) {
        const auto found = stanzas.find(key(package.name, package.version, package.architecture));
        const auto sha256 = found == stanzas.end() ? std::nullopt : field(found->second, "SHA256");
        const auto size = found == stanzas.end() ? std::nullopt : field(found->second, "Size");
        if (!sha256 || sha256->size() != 64 || !size || number(*size) != package.size) {
            throw sys::Error(sys::Kind::broken,
                             "Debian's package lists have no SHA-256 and size for " + package.name +
                                 " " + package.version);
        }
        package.sha256 = *sha256;
        package.stanza = installed_stanza(found->second);
    }
}

std::map<std::string, std::string> parse_policy(std::string_view output) {
    constexpr std::string_view candidate = "Candidate:";
    std::map<std::string, std::string> versions;
    std::string name;
    while (!output.empty()) {
        const auto line = take_line(output);
        const auto text = trimmed(line);
        if (!line.starts_with(' ') && text.ends_with(':')) {
            name = text.substr(0, text.size() - 1);
        } else if (text.starts_with(candidate) && !text.ends_with("(none)")) {
            versions.emplace(name, trimmed(text.substr(candidate.size())));
        }
    }
    return versions;
}

std::optional<std::string> upstream_version(std::string_view version) {
    version.remove_prefix(version.find(':') + 1);  // npos + 1 is 0
    version = version.substr(0, version.rfind('-'));
    version = version.substr(0, version.find_first_of("+~"));
    return exact_version(version, "");
}

std::optional<double> parse_download_status(std::string_view line) {
    constexpr std::string_view prefix = "dlstatus:";
    if (!line.starts_with(prefix)) return {};
    line.remove_prefix(prefix.size());
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return {};
    line.remove_prefix(colon + 1);
    double percent = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), percent);
    if (error != std::errc{} || rest == line.data() + line.size() || *rest != ':') return {};
    // Written so that what is no number is refused too.
    return percent >= 0 && percent <= 100 ? std::optional{percent} : std::nullopt;
}

std::string apt_errors(std::string_view output, std::string_view errors) {
    std::string sentence;
    const auto add = [&](std::string_view text) {
        if (sentence.size() < max_sentence) {
            sentence += (sentence.empty() ? "" : "; ") + std::string{text};
        }
    };
    while (!errors.empty()) {
        const auto line = take_line(errors);
        if (line.starts_with("E: ")) add(trimmed(line.substr(3)));
    }
    // " foo : Depends: bar but it is not installable", and more such under the first.
    while (!output.empty()) {
        const auto line = take_line(output);
        for (const auto* relation : {"Depends: ", "Conflicts: ", "Breaks: "}) {
            if (line.starts_with(' ') && line.find(relation) != std::string_view::npos) {
                add(trimmed(line));
            }
        }
    }
    sentence.resize(std::min(sentence.size(), max_sentence));
    return without_passwords(sentence);
}

bool names_missing_package(std::string_view errors) {
    return errors.find("Unable to locate package") != std::string_view::npos ||
           errors.find("has no installation candidate") != std::string_view::npos;
}

}  // namespace packages
