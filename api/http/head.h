// The head of a request: from its first byte to the empty line.
//
// HeadScanner finds that line and refuses on the way what parsers are known to read differently,
// which is what request smuggling lives on: bare CR or LF, folded lines. read_head() then has
// Boost.Beast split the complete head into its parts and decides, strictly, how long the body is.
// Both are pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "api/http/message.h"

namespace http {

enum class Coding { none, gzip, deflate };

struct Head {
    Request request;              // body and client still empty
    std::uint64_t body_size = 0;  // as sent; meaningless if chunked
    bool chunked = false;
    bool expects_continue = false;  // the client waits for "100 Continue"
    Coding coding = Coding::none;   // of the body

    bool has_body() const { return chunked || body_size > 0; }
};

class HeadScanner {
public:
    enum class Verdict { incomplete, complete, malformed };

    struct Result {
        Verdict verdict;
        std::size_t consumed;  // bytes that belong to the head, or to empty lines before it
    };

    // Goes on where the last call ended. After `complete` or `malformed` it starts anew.
    Result scan(std::string_view bytes);

    // Some byte of a request line has been seen.
    bool started() const { return line_ > 0 || column_ > 0; }

private:
    Verdict step(char byte);

    std::size_t line_ = 0;
    std::size_t column_ = 0;
    bool carriage_return_ = false;
};

// Reads a head that the scanner found complete. A Response is the refusal to send instead.
std::variant<Head, Response> read_head(std::string_view text);

}  // namespace http
