#include "packages/addresses.h"

#include <functional>

#include "isolate/sys/error.h"
#include "packages/maven.h"
#include "packages/names.h"
#include "packages/tool.h"

namespace packages {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The text up to the separator, which is taken out of it as well.
std::string_view take_until(std::string_view& text, std::string_view separators) {
    const auto end = text.find_first_of(separators);
    const auto part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return part;
}

// What a client says when asked; empty if it is missing or fails.
std::optional<std::string> ask(const std::string& program, std::vector<std::string> arguments) {
    const auto path = find_program(program);
    if (!path) return {};
    arguments.insert(arguments.begin(), *path);
    const auto result = run_tool({
        .argv = std::move(arguments),
        .environment = client_environment(),
        .most_output = 256 << 10,
    });
    return result.exit_code == 0 ? std::optional{result.out} : std::nullopt;
}

std::optional<std::string> ask_npm() {
    const auto said = ask("npm", {"config", "get", "registry"});
    return said ? parse_npm_registry(*said) : std::nullopt;
}

std::optional<std::string> ask_pip() {
    const auto configured = ask("python3", {"-m", "pip", "config", "list"});
    if (!configured) return {};
    if (auto address = parse_pip_config(*configured)) return address;
    // pip has no command that tells its default.
    const auto said = ask("python3", {"-c",
                                      "from pip._internal.models.index import PyPI\n"
                                      "print(PyPI.simple_url)"});
    return said ? base_address(trimmed(*said)) : std::nullopt;
}

std::optional<std::string> ask_go() {
    const auto said = ask("go", {"env", "GOPROXY"});
    return said ? parse_go_proxies(*said) : std::nullopt;
}

std::optional<std::string> ask_maven() {
    const auto address = maven_repository(find_maven_files());
    return address ? base_address(*address) : std::nullopt;
}

// One of the four: what is configured, else what `ask_client` finds.
std::string find_address(const std::string& configured, const std::string& setting,
                         const std::string& client,
                         const std::function<std::optional<std::string>()>& ask_client) {
    if (!configured.empty()) {
        auto address = base_address(configured);
        if (!address) {
            throw sys::Error(sys::Kind::invalid, setting + ": " +
                                                     in_quotes(without_passwords(configured)) +
                                                     " is not an address to fetch files from");
        }
        return *address;
    }
    auto address = ask_client();
    if (!address) {
        throw sys::Error(sys::Kind::not_found, "this machine's " + client +
                                                   " is missing or names no registry: set " +
                                                   setting + " in crankcase.toml");
    }
    return *address;
}

}  // namespace

const std::string& Addresses::npm() {
    if (!npm_) npm_ = find_address(settings_.npm, "packages.npm", "npm", ask_npm);
    return *npm_;
}

const std::string& Addresses::pypi() {
    if (!pypi_) pypi_ = find_address(settings_.pypi, "packages.pypi", "pip", ask_pip);
    return *pypi_;
}

const std::string& Addresses::maven() {
    if (!maven_) maven_ = find_address(settings_.maven, "packages.maven", "Maven", ask_maven);
    return *maven_;
}

const std::string& Addresses::go() {
    if (!go_) go_ = find_address(settings_.go, "packages.go", "Go", ask_go);
    return *go_;
}

std::optional<std::string> base_address(std::string_view text) {
    while (text.ends_with('/') && !text.ends_with("//")) text.remove_suffix(1);
    if (!is_address(text) || text.find('?') != std::string_view::npos) return {};
    return std::string{text};
}

std::optional<std::string> parse_npm_registry(std::string_view output) {
    return base_address(trimmed(output));
}

std::optional<std::string> parse_pip_config(std::string_view output) {
    // Each outranks those before it, as pip has it.
    constexpr std::string_view keys[] = {"global.index-url", "install.index-url",
                                         ":env:.index-url"};
    std::optional<std::string> found;
    std::size_t rank = 0;
    while (!output.empty()) {
        auto line = trimmed(take_until(output, "\n"));
        const auto key = trimmed(take_until(line, "="));
        line = trimmed(line);
        if (line.size() < 2 || line.front() != line.back()) continue;
        line = line.substr(1, line.size() - 2);  // Python's quotes
        for (std::size_t i = rank; i < std::size(keys); ++i) {
            if (key != keys[i]) continue;
            if (auto address = base_address(line)) {
                found = std::move(address);
                rank = i;
            }
        }
    }
    return found;
}

std::optional<std::string> parse_go_proxies(std::string_view output) {
    output = trimmed(output);
    while (!output.empty()) {
        const auto proxy = trimmed(take_until(output, ",|"));
        if (proxy == "off") return {};
        if (auto address = base_address(proxy); address && proxy.starts_with("http")) {
            return address;
        }
    }
    return {};
}

}  // namespace packages
