#include "api/http/head.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace http {

namespace {

namespace beast = boost::beast::http;

constexpr std::size_t longest_method = 32;
constexpr std::size_t longest_target = 8192;
constexpr std::size_t most_fields = 128;
constexpr std::size_t longest_quoted = 40;  // of a client's words in an answer

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

// Collects what Beast finds and refuses what Beast, made for any peer, would let pass.
class HeadParser : public beast::basic_parser<true> {
public:
    HeadParser() {
        // The body is not Beast's: 1.81 asserts on a last chunk that comes byte by byte, and bounds
        // neither chunk extensions nor trailers.
        skip(true);
        header_limit(std::numeric_limits<std::uint32_t>::max());
    }

    std::variant<Head, Response> parse(std::string_view text) {
        auto error = boost::beast::error_code{};
        put(boost::asio::const_buffer(text.data(), text.size()), error);
        if (!error && !refusal_) check_whole();
        if (refusal_) return *std::move(refusal_);
        if (error) return problem(400, "malformed HTTP: " + error.message());
        return std::move(head_);
    }

private:
    using Error = boost::beast::error_code;

    void refuse(int status, std::string_view message, Error& error) {
        refuse(problem(status, message), error);
    }

    void refuse(Response response, Error& error) {
        refusal_ = std::move(response);
        error = beast::error::bad_value;
    }

    void on_request_impl(beast::verb, boost::beast::string_view method,
                         boost::beast::string_view target, int version, Error& error) override {
        if (method.size() > longest_method) return refuse(400, "the method is too long", error);
        if (target.size() > longest_target) return refuse(414, "the target is too long", error);
        auto& request = head_.request;
        request.method = view(method);
        request.minor_version = version % 10;
        if (!split_target(view(target))) refuse(400, "the target is neither path nor URL", error);
    }

    // "/path?query", "*", or what proxies send: "http://host/path?query" (RFC 9112, section 3.2).
    bool split_target(std::string_view target) {
        for (const std::string_view scheme : {"http://", "https://"}) {
            if (!starts_with_word(target, scheme)) continue;
            target.remove_prefix(scheme.size());
            target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
            if (target.empty() || target.front() == '?') head_.request.target = "/";
        }
        const auto mark = std::min(target.find('?'), target.size());
        auto& request = head_.request;
        request.target += target.substr(0, mark);
        if (mark < target.size()) request.query = target.substr(mark + 1);
        return request.target == "*" || request.target.starts_with('/');
    }

    void on_field_impl(beast::field field, boost::beast::string_view name,
                       boost::beast::string_view value, Error& error) override {
        if (head_.request.fields.size() == most_fields)
            return refuse(431, "the header has too many fields", error);
        const auto text = view(value);
        switch (field) {
            case beast::field::host:
                ++hosts_;
                break;
            case beast::field::content_length:
                read_length(text, error);
                break;
            case beast::field::transfer_encoding:
                read_transfer(text, error);
                break;
            case beast::field::content_encoding:
                read_coding(text, error);
                break;
            case beast::field::expect:
                read_expectation(text, error);
                break;
            default:
                break;
        }
        head_.request.fields.push_back({std::string(view(name)), std::string(text)});
    }

    // Beast allows "5, 5" and the field twice with the same number; we do not.
    void read_length(std::string_view text, Error& error) {
        const auto digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
        if (!digits || text.empty() || has_length_)
            return refuse(400, "Content-Length is not one number", error);
        has_length_ = true;
    }

    // Beast takes a coding it does not know for "no body", and the body for the next request.
    void read_transfer(std::string_view text, Error& error) {
        if (!same_word(text, "chunked") || head_.request.minor_version == 0)
            return refuse(400, "the only Transfer-Encoding read here is chunked, in HTTP/1.1",
                          error);
        head_.chunked = true;
    }

    void read_coding(std::string_view text, Error& error) {
        if (has_coding_) return refuse(415, "one Content-Encoding is enough", error);
        has_coding_ = true;
        if (same_word(text, "gzip") || same_word(text, "x-gzip")) {
            head_.coding = Coding::gzip;
        } else if (same_word(text, "deflate")) {
            head_.coding = Coding::deflate;
        } else if (!text.empty() && !same_word(text, "identity")) {
            refuse(body_problem("the body may be encoded as gzip or deflate, nothing else",
                                "UnsupportedMediaTypeError: unsupported content encoding \"" +
                                    std::string(text.substr(0, longest_quoted)) + "\""),
                   error);
        }
    }

    void read_expectation(std::string_view text, Error& error) {
        if (!same_word(text, "100-continue"))
            return refuse(417, "the only expectation met here is 100-continue", error);
        head_.expects_continue = head_.request.minor_version > 0;
    }

    void check_whole() {
        auto& request = head_.request;
        if (hosts_ > 1 || (hosts_ == 0 && request.minor_version > 0))
            refusal_ = problem(400, "HTTP/1.1 wants exactly one Host");
        head_.body_size = content_length().value_or(0);
        request.keep_alive = keep_alive();
    }

    // Nothing to do: these belong to bodies, which skip() leaves out.
    void on_response_impl(int, boost::beast::string_view, int, Error&) override {}
    void on_header_impl(Error&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}
    std::size_t on_body_impl(boost::beast::string_view, Error&) override { return 0; }
    void on_chunk_header_impl(std::uint64_t, boost::beast::string_view, Error&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, boost::beast::string_view, Error&) override {
        return 0;
    }
    void on_finish_impl(Error&) override {}

    Head head_;
    std::optional<Response> refusal_;
    int hosts_ = 0;
    bool has_length_ = false;
    bool has_coding_ = false;
};

}  // namespace

HeadScanner::Result HeadScanner::scan(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto verdict = step(bytes[i]);
        if (verdict == Verdict::incomplete) continue;
        *this = HeadScanner{};
        return {verdict, i + 1};
    }
    return {Verdict::incomplete, bytes.size()};
}

HeadScanner::Verdict HeadScanner::step(char byte) {
    if (carriage_return_) {
        if (byte != '\n') return Verdict::malformed;
        carriage_return_ = false;
        // Empty lines before a request are allowed (RFC 9112, section 2.2); after it they end it.
        if (column_ == 0) return line_ > 0 ? Verdict::complete : Verdict::incomplete;
        ++line_;
        column_ = 0;
        return Verdict::incomplete;
    }
    if (byte == '\n') return Verdict::malformed;
    if (byte == '\r') {
        carriage_return_ = true;
        return Verdict::incomplete;
    }
    const auto folded = column_ == 0 && line_ > 0 && (byte == ' ' || byte == '\t');
    if (folded) return Verdict::malformed;
    ++column_;
    return Verdict::incomplete;
}

std::variant<Head, Response> read_head(std::string_view text) {
    return HeadParser{}.parse(text);
}

}  // namespace http
