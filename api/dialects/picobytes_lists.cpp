#include "api/dialects/picobytes_lists.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "api/dialects/c_tokens.h"

namespace dialects {

namespace {

using Names = std::set<std::string, std::less<>>;
using Which = ListBreach::Which;

// Objects of the C library, which are no functions.
constexpr std::string_view objects[] = {"stdin",
                                        "stdout",
                                        "stderr",
                                        "environ",
                                        "__environ",
                                        "optarg",
                                        "optind",
                                        "opterr",
                                        "optopt",
                                        "signgam",
                                        "timezone",
                                        "daylight",
                                        "tzname",
                                        "program_invocation_name",
                                        "program_invocation_short_name",
                                        "__errno_location",
                                        "__h_errno_location"};

// What the compiler calls without being told: for structures, and for what processors lack.
constexpr std::string_view inserted[] = {"memcpy", "memmove", "memset", "memcmp"};
constexpr std::string_view of_the_compiler[] = {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail",
                                                "__tls_get_addr"};

// Ways to get at a function whose name is a string.
constexpr std::string_view loaders[] = {"dlsym", "dlvsym", "dlopen", "dlmopen"};

// What macros of headers are made of, none of which calls a function.
constexpr std::string_view harmless_builtins[] = {
    "va_start",   "va_end",      "va_arg",      "va_copy",     "offsetof",
    "expect",     "unreachable", "constant_p",  "choose_expr", "types_compatible_p",
    "inf",        "inff",        "infl",        "nan",         "nanf",
    "nanl",       "huge_val",    "huge_valf",   "huge_vall",   "isnan",
    "isinf",      "isinf_sign",  "isfinite",    "isnormal",    "signbit",
    "fpclassify", "isgreater",   "isless",      "isunordered", "bswap16",
    "bswap32",    "bswap64",     "object_size", "complex"};

// Symbols that stand for functions which headers know by other names.
struct Alias {
    std::string_view symbol, name;
};
constexpr Alias aliases[] = {
    {"__assert_fail", "assert"},
    {"__assert", "assert"},
    {"_setjmp", "setjmp"},
    {"__sigsetjmp", "sigsetjmp"},
    {"__sigsetjmp", "setjmp"},
    {"__ctype_tolower_loc", "tolower"},
    {"__ctype_toupper_loc", "toupper"},
    {"__xpg_basename", "basename"},
    {"__xpg_strerror_r", "strerror_r"},
    {"__fpclassify", "fpclassify"},
    {"__isnan", "isnan"},
    {"__isinf", "isinf"},
    {"__cmsg_nxthdr", "CMSG_NXTHDR"},
};
bool is_in(std::span<const std::string_view> all, std::string_view name) {
    return std::ranges::find(all, name) != all.end();
}

bool is_in(const std::vector<std::string>& all, std::string_view name) {
    return std::ranges::find(all, name) != all.end();
}

// Of a library for arithmetic that the compiler brings: __udivti3, __floattidf, …
bool is_arithmetic(std::string_view symbol) {
    constexpr std::string_view modes[] = {"hi", "si", "di", "ti", "hf", "sf", "df",
                                          "xf", "tf", "sc", "dc", "xc", "tc"};
    if (!symbol.starts_with("__")) return false;
    symbol.remove_prefix(2);
    if (symbol.ends_with('2') || symbol.ends_with('3') || symbol.ends_with('4'))
        symbol.remove_suffix(1);
    if (symbol.size() < 4) return false;
    const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
    return std::ranges::all_of(symbol, is_small) && is_in(modes, symbol.substr(symbol.size() - 2));
}

// The names that a list may give a symbol, its own first.
std::vector<std::string> names_of(std::string_view symbol, const Evidence& evidence) {
    std::vector<std::string> names{std::string{symbol}};
    if (symbol == evidence.own_assert) names.emplace_back("assert");
    for (const auto& alias : aliases) {
        if (alias.symbol == symbol) names.emplace_back(alias.name);
    }
    for (const std::string_view prefix : {"__isoc99_", "__isoc23_"}) {
        if (symbol.starts_with(prefix)) names.emplace_back(symbol.substr(prefix.size()));
    }
    return names;
}

// Likewise, and what the library's own names for its functions come down to.
std::vector<std::string> denied_names_of(std::string_view symbol, const Evidence& evidence) {
    auto names = names_of(symbol, evidence);
    for (const std::string_view prefix : {"__libc_", "__GI_", "_IO_", "__", "_"}) {
        if (symbol.starts_with(prefix)) names.emplace_back(symbol.substr(prefix.size()));
    }
    return names;
}

Names symbols_of(const Evidence& evidence) {
    Names symbols;
    auto rest = evidence.symbols;
    while (!rest.empty()) {
        const auto end = std::min(rest.find('\n'), rest.size());
        const auto line = rest.substr(0, end);
        const auto name = line.substr(0, line.find(' '));
        if (!name.empty()) symbols.emplace(name);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return symbols;
}

// What a name says about itself when the compiler knows the function: __builtin_memcpy.
std::optional<std::string_view> builtin(std::string_view name) {
    constexpr std::string_view prefix = "__builtin_";
    if (!name.starts_with(prefix)) return std::nullopt;
    name.remove_prefix(prefix.size());
    for (const std::string_view checked : {"___", "__"}) {
        if (!name.starts_with(checked)) continue;
        name.remove_prefix(checked.size());
        if (name.ends_with("_chk")) name.remove_suffix(4);
        break;
    }
    return name;
}

bool is_assembly(std::string_view name) {
    return name == "asm" || name == "__asm__" || name == "__asm";
}

// In a header: another name for a function, __asm__ ("" "__isoc99_scanf"). No instruction begins
// with two underscores.
bool is_label(const std::vector<CToken>& tokens, std::size_t at) {
    if (at + 2 >= tokens.size() || tokens[at + 1].spelling != "(") return false;
    std::string label;
    for (at += 2; at < tokens.size() && tokens[at].kind == CToken::Kind::text; ++at)
        label += tokens[at].spelling;
    return label.starts_with("__") && at < tokens.size() && tokens[at].spelling == ")";
}

class Court {
public:
    Court(const FunctionLists& lists, const Evidence& evidence)
        : lists_(lists), evidence_(evidence), tokens_(c_tokens(evidence.preprocessed)) {
        for (const auto& token : tokens_) {
            if (token.kind == CToken::Kind::name && !token.is_system)
                own_lines_.try_emplace(token.spelling, token.line);
        }
    }

    std::vector<ListBreach> judge() {
        if (renames_lines(evidence_.source)) accuse(Which::denied, "#line", 0);
        look_for_assembly();
        if (lists_.denied) {
            look_for_denied_names();
            look_for_denied_symbols();
        }
        if (lists_.allowed) look_for_others();
        return std::move(found_);
    }

private:
    void accuse(Which which, std::string_view name, int line) {
        if (accused_.emplace(name).second) found_.push_back({which, std::string{name}, line});
    }

    int line_of(std::string_view name) const {
        const auto found = own_lines_.find(name);
        return found == own_lines_.end() ? 0 : found->second;
    }

    int line_of_builtin(const std::string& name) const {
        const int line = line_of("__builtin_" + name);
        return line != 0 ? line : line_of(name);
    }

    void look_for_assembly() {
        for (std::size_t at = 0; at < tokens_.size(); ++at) {
            const auto& token = tokens_[at];
            if (token.kind != CToken::Kind::name || !is_assembly(token.spelling)) continue;
            if (!token.is_system) {
                accuse(Which::denied, "asm", token.line);
            } else if (!is_label(tokens_, at)) {
                accuse(Which::denied, "asm", 0);
            }
        }
    }

    bool denies(std::string_view name) const {
        return is_in(*lists_.denied, name) || is_in(loaders, name);
    }

    void look_for_denied_names() {
        for (const auto& token : tokens_) {
            if (token.kind != CToken::Kind::name) continue;
            const auto of_compiler = builtin(token.spelling);
            if (of_compiler && denies(*of_compiler)) {
                accuse(Which::denied, *of_compiler, token.is_system ? 0 : token.line);
            } else if (!token.is_system && denies(token.spelling)) {
                accuse(Which::denied, token.spelling, token.line);
            }
        }
    }

    bool is_inserted(std::string_view symbol) const {
        return (is_in(inserted, symbol) && line_of(symbol) == 0) ||
               is_in(of_the_compiler, symbol) || is_arithmetic(symbol);
    }

    void look_for_denied_symbols() {
        for (const auto& symbol : symbols_of(evidence_)) {
            if (is_inserted(symbol)) continue;
            const auto names = denied_names_of(symbol, evidence_);
            for (const auto& name : names) {
                if (!denies(name)) continue;
                accuse(Which::denied, name, line_of(name));
                break;
            }
        }
    }

    void look_for_others() {
        const auto& allowed = *lists_.allowed;
        Names others;
        for (const auto& symbol : symbols_of(evidence_)) {
            if (is_inserted(symbol) || is_in(objects, symbol)) continue;
            if (symbol == evidence_.own_assert) continue;
            const auto names = names_of(symbol, evidence_);
            const auto is_allowed = [&](const std::string& name) { return is_in(allowed, name); };
            // What headers made of it is told by the name that was written.
            const auto written =
                std::ranges::find_if(names, [&](const auto& name) { return line_of(name) != 0; });
            if (std::ranges::none_of(names, is_allowed))
                others.emplace(written == names.end() ? names.back() : *written);
        }
        for (const auto& [name, line] : own_lines_) {
            const auto of_compiler = builtin(name);
            if (of_compiler && !is_in(allowed, *of_compiler) && !is_in(allowed, name) &&
                !is_in(harmless_builtins, *of_compiler))
                others.emplace(*of_compiler);
        }
        for (const auto& name : others) accuse(Which::not_allowed, name, line_of_builtin(name));
    }

    const FunctionLists& lists_;
    const Evidence& evidence_;
    std::vector<CToken> tokens_;
    std::map<std::string_view, int> own_lines_;
    Names accused_;
    std::vector<ListBreach> found_;
};

}  // namespace

std::vector<ListBreach> breaches(const FunctionLists& lists, const Evidence& evidence) {
    if (!lists.any()) return {};
    return Court{lists, evidence}.judge();
}

std::string sentence_of(const ListBreach& breach) {
    return (breach.which == Which::denied ? "Not allowed to use "
                                          : "Use of function that is not in the allowed list: ") +
           breach.name;
}

}  // namespace dialects
