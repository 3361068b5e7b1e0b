#include <re2/re2.h>

#include <limits>

#include "engine/compare.h"
#include "isolate/sys/error.h"

namespace engine {

namespace {

using sys::Error;
using sys::Kind;

// Of the automaton that is built while matching; without room it goes on more slowly.
constexpr std::int64_t memory = 4 << 20;

// Steps of the slower way, in the worst case: about a second.
constexpr std::uint64_t most_steps = std::uint64_t{1} << 28;

constexpr std::string_view white_space = " \t\n\v\f\r";

std::string_view without_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(white_space) + 1);
}

RE2::Options options() {
    RE2::Options chosen;
    chosen.set_log_errors(false);
    chosen.set_max_mem(memory);
    return chosen;
}

}  // namespace

struct Pattern::Compiled {
    explicit Compiled(std::string_view text)
        : expression(re2::StringPiece{text.data(), text.size()}, options()) {}
    RE2 expression;
};

Pattern::Pattern(std::string_view text) {
    if (text.size() > max_pattern_bytes) {
        throw Error(Kind::invalid,
                    "is longer than " + std::to_string(max_pattern_bytes) + " bytes");
    }
    compiled_ = std::make_unique<Compiled>(text);
    const auto& expression = compiled_->expression;
    if (!expression.ok())
        throw Error(Kind::invalid, "is no regular expression: " + expression.error());
    if (expression.ProgramSize() > max_pattern_program)
        throw Error(Kind::invalid, "is a regular expression that repeats too much");
}

Pattern::~Pattern() = default;

Pattern::Match Pattern::match(std::string_view output) const {
    const auto text = without_end(output);
    const auto size = static_cast<std::uint64_t>(compiled_->expression.ProgramSize());
    if (text.size() * size > most_steps) return Match::too_long;
    const re2::StringPiece piece{text.data(), text.size()};
    return RE2::FullMatch(piece, compiled_->expression) ? Match::yes : Match::no;
}

}  // namespace engine
