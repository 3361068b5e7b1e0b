#include "config/keys.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <system_error>

#include "config/rules.h"
#include "config/settings.h"

namespace config {

namespace {

constexpr std::string_view blanks = " \t\r";
constexpr std::string_view digest_prefix = "sha256:";
constexpr Scope all_scopes[] = {Scope::run, Scope::install, Scope::admin};

// The part in front of the separator, which goes as well.
std::string_view take_part(std::string_view& text, std::string_view separators) {
    const auto end = std::min(text.find_first_of(separators), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

// The next word of a line; empty at its end.
std::string_view take_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    return take_part(line, blanks);
}

bool read_count(std::string_view text, int& count) {
    constexpr int most = 1'000'000;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, count);
    return error == std::errc{} && end == last && count >= 1 && count <= most;
}

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_digest(std::string_view text, KeyDigest& digest) {
    if (!text.starts_with(digest_prefix)) return false;
    text.remove_prefix(digest_prefix.size());
    if (text.size() != 2 * digest.size()) return false;
    for (std::size_t i = 0; i < digest.size(); ++i) {
        const int high = digit_of(text[2 * i]);
        const int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        digest[i] = static_cast<std::uint8_t>(16 * high + low);
    }
    return true;
}

// One of "scopes=…", "rate=…", "burst=…", "jobs=…".
bool read_word(std::string_view word, Key& key) {
    const auto name = take_part(word, "=");
    if (name == "scopes") return (key.scopes = parse_scopes(word)) != 0;
    if (name == "rate") {
        const int burst = key.rate.burst;
        if (!parse_rate(word, key.rate)) return false;
        if (burst > 0) key.rate.burst = burst;
        return true;
    }
    if (name == "burst") return read_count(word, key.rate.burst);
    return name == "jobs" && read_count(word, key.jobs);
}

std::string_view without_comment(std::string_view line) {
    return line.substr(0, line.find('#'));
}

// What is wrong with a line, quoting nothing of it; empty if nothing is. A line that says nothing
// leaves the name empty.
std::string read_line(std::string_view line, Key& key) {
    line = without_comment(line);
    key.name = take_word(line);
    if (key.name.empty()) return {};
    if (!is_key_name(key.name))
        return "a key's name is at most 64 letters, digits, '.', '-', '_' and '@'";
    if (!read_digest(take_word(line), key.digest))
        return "behind the name comes sha256: and 64 digits from 0 to f";
    for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        if (!read_word(word, key))
            return "behind the digest come scopes=run,install,admin, rate=10/s, burst=20 and "
                   "jobs=4, nothing else";
    }
    if (key.rate.burst > 0 && key.rate.count == 0)
        return "burst= says how much of rate= may come at once, and there is none";
    return {};
}

}  // namespace

std::string_view name_of(Scope scope) {
    switch (scope) {
        case Scope::run:
            return "run";
        case Scope::install:
            return "install";
        case Scope::admin:
            return "admin";
    }
    __builtin_unreachable();
}

bool Key::may(Scope scope) const {
    const auto wanted = static_cast<unsigned>(scope) | static_cast<unsigned>(Scope::admin);
    return (scopes & wanted) != 0;
}

std::vector<Key> parse_keys(std::string_view text) {
    std::vector<Key> keys;
    std::set<std::string> names;
    std::set<KeyDigest> digests;
    for (int number = 1; !text.empty(); ++number) {
        Key key;
        auto wrong = read_line(take_part(text, "\n"), key);
        if (wrong.empty() && key.name.empty()) continue;
        if (wrong.empty() && !names.insert(key.name).second) wrong = "that name is there already";
        if (wrong.empty() && !digests.insert(key.digest).second)
            wrong = "that digest is there already";
        if (wrong.empty() && keys.size() == most_keys)
            wrong = "there are " + std::to_string(most_keys) + " keys already";
        if (!wrong.empty()) throw SettingsError("line " + std::to_string(number) + ": " + wrong);
        keys.push_back(std::move(key));
    }
    return keys;
}

std::string line_of(const Key& key) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto line = key.name + " " + std::string(digest_prefix);
    for (const auto byte : key.digest) line.append({digits[byte >> 4], digits[byte & 15]});
    std::string scopes;
    for (const auto scope : all_scopes) {
        if ((key.scopes & static_cast<unsigned>(scope)) == 0) continue;
        scopes.append(scopes.empty() ? "" : ",").append(name_of(scope));
    }
    line += " scopes=" + scopes;
    if (key.rate.count > 0) {
        const auto& [count, window, burst] = key.rate;
        const auto* unit = window == Milliseconds{1000}     ? "s"
                           : window == Milliseconds{60'000} ? "m"
                                                            : "h";
        line += " rate=" + std::to_string(count) + "/" + unit;
        if (burst != count) line += " burst=" + std::to_string(burst);
    }
    if (key.jobs > 0) line += " jobs=" + std::to_string(key.jobs);
    return line;
}

std::uint8_t parse_scopes(std::string_view text) {
    std::uint8_t scopes = 0;
    do {
        const auto name = take_part(text, ",");
        const auto* const scope = std::ranges::find(all_scopes, name, name_of);
        if (scope == std::end(all_scopes)) return 0;
        scopes = static_cast<std::uint8_t>(scopes | static_cast<unsigned>(*scope));
    } while (!text.empty());
    return scopes;
}

bool parse_rate(std::string_view text, KeyRate& rate) {
    int count = 0;
    if (!read_count(take_part(text, "/"), count)) return false;
    Milliseconds window{0};
    if (text == "s") window = std::chrono::seconds{1};
    if (text == "m") window = std::chrono::minutes{1};
    if (text == "h") window = std::chrono::hours{1};
    if (window.count() == 0) return false;
    rate = {.count = count, .window = window, .burst = count};
    return true;
}

std::string without_key(std::string_view text, std::string_view name) {
    std::string rest;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto whole = text.substr(0, std::min(end + 1, text.size()));
        auto line = without_comment(text.substr(0, end));
        text.remove_prefix(whole.size());
        if (take_word(line) != name) rest += whole;
    }
    return rest;
}

}  // namespace config
