// From policy text to rules in two steps: read the lines, check what they say about each call.
#include "isolate/policy.h"

#include <seccomp.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <set>

#include "isolate/sys/error.h"

namespace isolate {
namespace {

// From here on a number means the same call on every architecture.
constexpr std::uint32_t first_shared_number = 424;
constexpr std::uint32_t last_number = 1023;

std::string quoted(std::string_view word) {
    return "'" + std::string(word) + "'";
}

// --- Reading -----------------------------------------------------------------------------------

// The words and signs of one line, taken from the left.
class Line {
public:
    Line(int number, std::string_view text) : number_(number), rest_(text) {
        for (std::size_t i = 0; i < rest_.size(); ++i) {
            const bool comment = rest_[i] == '#' && (i == 0 || is_space(rest_[i - 1]));
            if (comment) rest_ = rest_.substr(0, i);
        }
        skip_space();
    }

    int number() const { return number_; }
    bool done() const { return rest_.empty(); }

    // The next word or sign; empty at the end.
    std::string_view peek() const {
        if (rest_.starts_with("==")) return rest_.substr(0, 2);
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word);
        const auto length = static_cast<std::size_t>(end - rest_.begin());
        return rest_.substr(0, std::max<std::size_t>(length, 1));
    }

    std::string_view take() {
        const auto token = peek();
        rest_.remove_prefix(token.size());
        skip_space();
        return token;
    }

    bool take_if(std::string_view expected) {
        if (peek() != expected) return false;
        take();
        return true;
    }

    void expect(std::string_view expected) {
        if (!take_if(expected))
            refuse_policy(number_, quoted(expected) + " expected before " + quoted(rest_));
    }

private:
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
    static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '#';
    }
    void skip_space() {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }

    int number_;
    std::string_view rest_;
};

std::optional<std::uint32_t> parse_number(std::string_view word) {
    const int base = word.starts_with("0x") ? 16 : 10;
    if (base == 16) word.remove_prefix(2);
    std::uint32_t value = 0;
    const char* last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data(), last, value, base);
    if (error != std::errc{} || end != last) return std::nullopt;
    return value;
}

std::uint32_t take_number(Line& line) {
    const auto word = line.take();
    const auto value = parse_number(word);
    if (!value) refuse_policy(line.number(), quoted(word) + " is not a number of 32 bits");
    return *value;
}

int take_action(Line& line) {
    constexpr int end_of_errnos = 134;
    const auto word = line.take();
    if (word == "allow") return 0;
    for (int number = 1; number < end_of_errnos; ++number) {
        const char* name = ::strerrorname_np(number);
        if (name != nullptr && word == name) return number;
    }
    refuse_policy(line.number(), quoted(word) + " is neither 'allow' nor the name of an errno");
}

// NAME or NAME#NUMBER.
FilterRule take_call(Line& line, int error_number) {
    const auto word = line.take();
    const auto hash = word.find('#');
    const auto name = std::string(word.substr(0, hash));
    const int known = ::seccomp_syscall_resolve_name(name.c_str());
    const bool unknown = known == __NR_SCMP_ERROR;
    auto rule = FilterRule{.line = line.number(),
                           .error_number = error_number,
                           .name = name,
                           .number = known,
                           .when = {}};

    if (hash == std::string_view::npos) {
        if (unknown)
            refuse_policy(rule.line,
                          "libseccomp does not know " + quoted(word) + ": write NAME#NUMBER");
        return rule;
    }
    const auto given = parse_number(word.substr(hash + 1));
    if (name.empty() || !given || *given < first_shared_number || *given > last_number) {
        refuse_policy(rule.line, quoted(word) + " is not a name and a number from 424 to 1023");
    }
    if (unknown) rule.number = static_cast<int>(*given);
    if (known >= 0 && known != static_cast<int>(*given)) {
        refuse_policy(rule.line, quoted(name) + " has the number " + std::to_string(known));
    }
    return rule;
}

Comparison take_comparison(Line& line) {
    const auto word = line.take();
    if (word.size() != 4 || !word.starts_with("arg") || word[3] < '0' || word[3] > '5') {
        refuse_policy(line.number(), quoted(word) + " is not one of arg0 to arg5");
    }
    auto comparison = Comparison{.argument = static_cast<unsigned>(word[3] - '0'), .values = {}};
    if (line.take_if("&")) comparison.mask = take_number(line);
    if (comparison.mask == 0) refuse_policy(line.number(), "a mask of 0 leaves nothing to compare");
    if (line.take_if("in")) {
        line.expect("{");
        do {
            comparison.values.push_back(take_number(line));
        } while (line.take_if(","));
        line.expect("}");
    } else {
        line.expect("==");
        comparison.values.push_back(take_number(line));
    }
    return comparison;
}

struct Statement {
    Form form = Form::always;
    std::vector<FilterRule> rules;  // one for each name
};

Statement parse_statement(Line line) {
    auto statement = Statement{};
    const int error_number = take_action(line);
    do {
        statement.rules.push_back(take_call(line, error_number));
    } while (!line.done() && line.peek() != "if" && line.peek() != "otherwise");

    if (line.take_if("otherwise")) {
        statement.form = Form::otherwise;
    } else if (line.take_if("if")) {
        statement.form = Form::matching;
        auto when = std::vector<Comparison>();
        do {
            when.push_back(take_comparison(line));
        } while (line.take_if("and"));
        for (auto& rule : statement.rules) rule.when = when;
    }
    if (!line.done()) refuse_policy(line.number(), quoted(line.peek()) + " does not belong there");
    return statement;
}

// --- Checking ----------------------------------------------------------------------------------

[[noreturn]] void refuse_as_decided(const FilterRule& rule, const FilterRule& earlier) {
    refuse_policy(rule.line, quoted(rule.name) + " is already decided in line " +
                                 std::to_string(earlier.line));
}

// Every combination of the values a rule lists.
std::vector<Path> paths(const FilterRule& rule) {
    auto result = std::vector<Path>{{}};
    for (const auto& comparison : rule.when) {
        auto longer = std::vector<Path>();
        for (const auto value : comparison.values) {
            if ((value & ~comparison.mask) != 0) {
                refuse_policy(rule.line, std::to_string(value) + " has bits outside its mask");
            }
            for (auto path : result) {
                path.push_back(value);
                longer.push_back(std::move(path));
            }
            if (longer.size() > most_branches) refuse_policy(rule.line, "too many combinations");
        }
        result = std::move(longer);
    }
    return result;
}

}  // namespace

void Call::add(const FilterRule& rule, Form form) {
    if (form == Form::always && !decisions_.empty()) {
        refuse_as_decided(rule, decisions_.begin()->second);
    }
    if (form == Form::otherwise && decisions_.empty()) {
        refuse_policy(rule.line, quoted(rule.name) + " has no 'if' line before its 'otherwise'");
    }
    extend_levels(rule);
    for (auto& path : paths(rule)) {
        const auto* wider = find_nearest(path, path.size());
        if (wider != nullptr) refuse_as_decided(rule, *wider);
        decisions_.emplace(std::move(path), rule);
    }
}

void Call::check() const {
    const auto& first = decisions_.begin()->second;
    if (!decisions_.contains(Path{})) {
        refuse_policy(first.line, quoted(first.name) + " has no 'otherwise' line");
    }
    for (const auto& [path, rule] : decisions_) {
        if (path.empty()) continue;
        const auto* wider = find_nearest(path, path.size() - 1);
        if (wider->error_number == rule.error_number) {
            refuse_policy(rule.line, "line " + std::to_string(wider->line) + " says the same of " +
                                         quoted(rule.name));
        }
    }
}

std::vector<Branch> Call::branches() const {
    auto inner = std::set<Path>();
    for (const auto& [path, rule] : decisions_) {
        for (std::size_t length = 0; length < path.size(); ++length) {
            inner.emplace(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length));
        }
    }
    auto result = std::vector<Branch>();
    for (const auto& [path, rule] : decisions_) {
        if (!inner.contains(path)) result.push_back({path, false, rule});
    }
    for (const auto& path : inner) {
        result.push_back({path, true, *find_nearest(path, path.size())});
    }
    return result;
}

void Call::extend_levels(const FilterRule& rule) {
    for (std::size_t i = 0; i < rule.when.size(); ++i) {
        const auto level = Level{rule.when[i].argument, rule.when[i].mask};
        if (i == levels_.size() && (i == 0 || levels_.back().argument < level.argument)) {
            levels_.push_back(level);
        } else if (i == levels_.size() || levels_[i] != level) {
            refuse_policy(rule.line, "arguments of " + quoted(rule.name) +
                                         " are not compared from the left, each through one mask");
        }
    }
}

// The decision at the longest beginning of a path, of at most that length; null without one.
const FilterRule* Call::find_nearest(Path path, std::size_t length) const {
    for (path.resize(length);; path.pop_back()) {
        const auto found = decisions_.find(path);
        if (found != decisions_.end()) return &found->second;
        if (path.empty()) return nullptr;
    }
}

Policy read_policy(std::string_view text) {
    auto policy = Policy{};
    for (int number = 1; !text.empty(); ++number) {
        const auto length = std::min(text.find('\n'), text.size());
        const auto line = Line(number, text.substr(0, length));
        text.remove_prefix(std::min(length + 1, text.size()));
        if (line.done()) continue;

        const auto statement = parse_statement(line);
        for (const auto& rule : statement.rules) {
            policy.calls[rule.number].add(rule, statement.form);
            policy.rules.push_back(rule);
        }
    }
    const auto allows = [](const FilterRule& rule) {
        return rule.error_number == 0 && rule.number >= 0;
    };
    if (std::none_of(policy.rules.begin(), policy.rules.end(), allows)) {
        refuse_policy(1, "nothing is allowed");
    }
    for (const auto& [number, call] : policy.calls) call.check();
    return policy;
}

std::vector<FilterRule> parse_policy(std::string_view text) {
    return read_policy(text).rules;
}

void refuse_policy(int line, const std::string& why) {
    throw sys::Error(sys::Kind::invalid,
                     "seccomp policy, line " + std::to_string(line) + ": " + why);
}

}  // namespace isolate
