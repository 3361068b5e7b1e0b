// libFuzzer: what picobytes reads of requests, of compilers, of Valgrind and of programs is read to
// its end, whatever it is. The first byte says which.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/dialects/c_tokens.h"
#include "api/dialects/picobytes_lists.h"
#include "api/dialects/picobytes_report.h"
#include "api/dialects/picobytes_request.h"
#include "api/dialects/picobytes_trial.h"

namespace {

void judge(std::string_view text) {
    const auto split = std::min(text.find('\n'), text.size());
    const dialects::Evidence evidence{text, text.substr(split), text.substr(0, split), "x"};
    dialects::breaches({{{"printf"}}, {{"system", "memcpy"}}}, evidence);
    for (const auto& token : dialects::c_tokens(text)) {
        const bool is_inside =
            token.spelling.data() >= text.data() &&
            token.spelling.data() + token.spelling.size() <= text.data() + text.size();
        if (!is_inside) std::abort();
    }
}

void try_program(std::string_view text) {
    constexpr std::size_t most = 64;
    dialects::Trial trial{"m", 3, std::chrono::seconds{1}, most};
    engine::StageResult run;
    run.output.out = text;
    for (int again = 0; again < 4 && trial.take(run); ++again) trial.arguments();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // Bytes as characters: the only view of them a parser of text can use.
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    const dialects::Secrets secrets{"qq", "m"};
    switch (data[0]) {
        case 't':
            judge(text);
            break;
        case 'p':
            try_program(text);
            break;
        case 'd':
            dialects::diagnostics_of(text, text, "a\nb");
            dialects::compiler_text(text, secrets);
            break;
        case 'v':
            dialects::valgrind_text(text, secrets);
            break;
        default:
            try {
                dialects::decode_picobytes(std::string{text});
            } catch (const dialects::Unprocessable&) {
            }
    }
    return 0;
}
