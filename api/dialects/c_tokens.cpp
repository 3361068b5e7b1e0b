#include "api/dialects/c_tokens.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace dialects {

namespace {

bool begins_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool goes_on_name(char c) {
    return begins_name(c) || is_digit(c);
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' || c == '\0';
}

// What may stand before a quote, the quote being a part of the same token.
bool is_prefix(std::string_view name) {
    constexpr std::string_view prefixes[] = {"L", "u", "U", "u8", "R", "LR", "uR", "UR", "u8R"};
    return std::ranges::find(prefixes, name) != std::end(prefixes);
}

class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::vector<CToken> read() {
        while (at_ < text_.size()) {
            const char c = text_[at_];
            if (c == '\n') {
                next_line();
            } else if (is_blank(c)) {
                ++at_;
            } else if (c == '#' && begins_line_ && take_line_marker()) {
                // There is nothing else on its line.
            } else if (text_.substr(at_, 2) == "//") {
                skip_to(text_.find('\n', at_));
            } else if (text_.substr(at_, 2) == "/*") {
                const auto end = text_.find("*/", at_ + 2);
                skip_to(end == text_.npos ? end : end + 2);
            } else {
                take_token(c);
            }
        }
        return std::move(tokens_);
    }

private:
    void next_line() {
        ++at_;
        ++line_;
        begins_line_ = true;
    }

    void skip_to(std::size_t end) {
        end = std::min(end, text_.size());
        line_ +=
            static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_),
                                        text_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
        at_ = end;
    }

    void add(CToken::Kind kind, std::string_view spelling) {
        tokens_.push_back({kind, spelling, line_, is_system_, begins_line_});
        begins_line_ = false;
    }

    void take_token(char c) {
        if (begins_name(c)) return take_name();
        const bool is_number =
            is_digit(c) || (c == '.' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1]));
        if (is_number) return take_number();
        if (c == '"' || c == '\'') return take_quoted(c);
        add(CToken::Kind::mark, text_.substr(at_, 1));
        ++at_;
    }

    void take_name() {
        auto end = at_;
        while (end < text_.size() && goes_on_name(text_[end])) ++end;
        const auto name = text_.substr(at_, end - at_);
        const char quote = end < text_.size() ? text_[end] : ' ';
        if ((quote == '"' || quote == '\'') && is_prefix(name)) {
            at_ = end;
            if (quote == '"' && name.ends_with('R')) return take_raw();
            return take_quoted(quote);
        }
        add(CToken::Kind::name, name);
        at_ = end;
    }

    // A number as the preprocessor sees it: with signs behind exponents, points, and separators.
    void take_number() {
        auto end = at_;
        while (end < text_.size()) {
            const char c = text_[end];
            const char last = text_[end - (end > at_ ? 1 : 0)];
            const bool is_sign = (c == '+' || c == '-') && end > at_ &&
                                 std::string_view{"eEpP"}.find(last) != std::string_view::npos;
            const bool separates =
                c == '\'' && end + 1 < text_.size() && goes_on_name(text_[end + 1]) && end > at_;
            if (!goes_on_name(c) && c != '.' && !is_sign && !separates) break;
            ++end;
        }
        add(CToken::Kind::number, text_.substr(at_, end - at_));
        at_ = end;
    }

    // Ends at the line's end as well: an apostrophe in prose that is not compiled opens nothing.
    void take_quoted(char quote) {
        auto end = at_ + 1;
        while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
            end += text_[end] == '\\' && end + 1 < text_.size() && text_[end + 1] != '\n' ? 2 : 1;
        }
        end = std::min(end, text_.size());
        add(CToken::Kind::text, text_.substr(at_ + 1, end - at_ - 1));
        at_ = end < text_.size() && text_[end] == quote ? end + 1 : end;
    }

    void take_raw() {
        const auto open = text_.find('(', at_ + 1);
        constexpr std::size_t longest_delimiter = 16;
        if (open == text_.npos || open - at_ - 1 > longest_delimiter) return take_quoted('"');
        const auto closing = ")" + std::string{text_.substr(at_ + 1, open - at_ - 1)} + "\"";
        const auto end = text_.find(closing, open);
        const auto size = (end == text_.npos ? text_.size() : end) - open - 1;
        add(CToken::Kind::text, text_.substr(open + 1, size));
        skip_to(end == text_.npos ? end : end + closing.size());
    }

    // # 12 "file.c" 1 3
    bool take_line_marker() {
        const auto end = std::min(text_.find('\n', at_), text_.size());
        auto rest = text_.substr(at_ + 1, end - at_ - 1);
        if (!rest.starts_with(' ')) return false;
        rest.remove_prefix(1);
        int line = 0;
        const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), line);
        if (error != std::errc{}) return false;
        rest.remove_prefix(static_cast<std::size_t>(stop - rest.data()));
        if (!rest.starts_with(" \"")) return false;
        rest.remove_prefix(2);
        is_system_ = rest.starts_with("/usr/") || rest.starts_with('<');
        line_ = line - 1;  // of the next line, which its predecessor's end is counted for
        at_ = end;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int line_ = 1;
    bool is_system_ = false;
    bool begins_line_ = true;
    std::vector<CToken> tokens_;
};

}  // namespace

std::vector<CToken> c_tokens(std::string_view text) {
    return Reader{text}.read();
}

std::string joined_lines(std::string_view text) {
    std::string joined;
    joined.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        auto end = at + 1;
        while (text[at] == '\\' && end < text.size() && is_blank(text[end])) ++end;
        if (text[at] == '\\' && end < text.size() && text[end] == '\n') {
            at = end;
        } else {
            joined += text[at];
        }
    }
    return joined;
}

bool renames_lines(std::string_view source) {
    auto text = joined_lines(source);
    // Under another sign, or the reader would believe the marker and leave it out.
    constexpr char hash = '\x01';
    std::ranges::replace(text, '#', hash);
    const auto tokens = c_tokens(text);
    for (std::size_t at = 0; at + 1 < tokens.size(); ++at) {
        if (!tokens[at].begins_line || tokens[at].kind != CToken::Kind::mark) continue;
        const bool is_hash = tokens[at].spelling.front() == hash;
        const bool is_digraph =
            tokens[at].spelling == "%" && tokens[at + 1].spelling == ":" && at + 2 < tokens.size();
        if (!is_hash && !is_digraph) continue;
        const auto& word = tokens[at + (is_hash ? 1 : 2)];
        if (word.begins_line) continue;
        if (word.kind == CToken::Kind::number || word.spelling == "line") return true;
    }
    return false;
}

}  // namespace dialects
