#include "tests/bench/answer.h"

namespace bench {

std::string complaint(const Answer& answer, const Expectation& expectation) {
    if (!answer.trouble.empty()) return answer.trouble;
    if (answer.text.size() < expectation.least_bytes)
        return "only " + std::to_string(answer.text.size()) + " bytes came back";
    if (answer.text.find(expectation.text) == std::string_view::npos)
        return "no \"" + expectation.text +
               "\" in the answer: " + std::string{answer.text.substr(0, 200)};
    return {};
}

// A quote inside a JSON string is escaped, so the bytes `"code"` occur only as a whole string; with
// a colon behind, only as a key. That spares a parse of megabytes on the core that is being
// measured.
bool every_stage_exited_zero(std::string_view json) {
    constexpr std::string_view key = "\"code\"";
    constexpr std::string_view blank = " \t\r\n";
    const auto next = [&](std::size_t at) { return json.find_first_not_of(blank, at); };

    int stages = 0;
    for (auto at = json.find(key); at != std::string_view::npos; at = json.find(key, at)) {
        const auto colon = next(at += key.size());
        if (colon == std::string_view::npos || json[colon] != ':') continue;
        const auto value = next(colon + 1);
        if (value == std::string_view::npos || json[value] != '0') return false;
        ++stages;
    }
    return stages > 0;
}

}  // namespace bench
