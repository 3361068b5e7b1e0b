#include "api/resources/policy.h"

#include <algorithm>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace resources {

namespace {

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    line = line.substr(0, line.find('#'));
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    return line.substr(0, line.find_last_not_of(blanks) + 1);
}

// What a header can carry as one word.
bool is_key(std::string_view text) {
    constexpr std::size_t longest = 512;
    return text.size() <= longest &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// Reads a file that a setting names; what goes wrong is told with both.
template <typename Read>
void read_named(const std::string& setting, const std::string& file, Read read) {
    if (file.empty()) return;
    try {
        read(sys::read_file(file));
    } catch (const std::exception& error) {
        throw sys::Error(sys::Kind::invalid, setting + " " + file + ": " + error.what());
    }
}

// All that may be shown as a key, whatever setting it comes from.
KeyRing read_keys(const config::Settings& settings) {
    KeyRing ring;
    read_named("keys.file", settings.keys.file, [&](const std::string& text) {
        for (auto& key : config::parse_keys(text)) ring.add(std::move(key));
    });
    read_named("facade.keys_file", settings.facade.keys_file, [&](const std::string& text) {
        for (const auto& key : parse_keys(text))
            ring.add({.name = "facade.keys_file", .digest = digest_of_key(key)});
    });
    const auto& packages = settings.packages;
    if (packages.api == config::PackageApi::token && !packages.token.empty())
        ring.add({.name = "packages.token",
                  .digest = digest_of_key(packages.token),
                  .scopes = static_cast<std::uint8_t>(config::Scope::install)});
    return ring;
}

}  // namespace

std::shared_ptr<const Policy> make_policy(const config::Settings& settings) {
    auto policy = std::make_shared<Policy>();
    policy->settings = settings;
    policy->reach = reach_of(settings.server.listen);
    for (const auto& text : settings.server.trusted_proxies) {
        if (const auto network = config::parse_network(text)) policy->proxies.push_back(*network);
    }
    policy->keys = read_keys(settings);
    if (const auto& token = settings.metrics.token; !token.empty())
        policy->readers.add({.name = "metrics.token", .digest = digest_of_key(token)});
    return policy;
}

std::vector<std::string> parse_keys(std::string_view text) {
    std::vector<std::string> keys;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty()) continue;
        if (!is_key(line)) {
            throw sys::Error(sys::Kind::invalid,
                             "line " + std::to_string(number) +
                                 " is no key: one word of at most 512 printable characters");
        }
        keys.emplace_back(line);
    }
    return keys;
}

std::shared_ptr<const Policy> Standing::get() const {
    const std::lock_guard lock{mutex_};
    return policy_;
}

void Standing::replace(std::shared_ptr<const Policy> policy) {
    const std::lock_guard lock{mutex_};
    policy_.swap(policy);
}

}  // namespace resources
