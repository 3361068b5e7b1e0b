#include "packages/transfer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>

namespace packages {

namespace {

using Clock = std::chrono::steady_clock;
using Ending = Outcome::Ending;

constexpr int poll_milliseconds = 100;
constexpr std::size_t max_header_value = 1024;

// Error pages are not kept, and not read for ever.
constexpr std::size_t max_unwanted_bytes = 1 << 20;

// libcurl wants to be told once, before the first thread uses it.
void prepare_curl() {
    static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (result != CURLE_OK) throw sys::Error(sys::Kind::broken, "libcurl does not start");
}

// What all requests of one transfer have in common.
struct Attempt {
    const Asking& asking;
    const FetchPolicy& policy;
    const Receiver& receiver;
    const std::stop_token& stop;
    Clock::time_point deadline = Clock::now() + policy.total_timeout;
};

// One request to one address: what its callbacks have seen.
struct Exchange {
    CURL* easy;
    const FetchPolicy& policy;
    const Receiver& receiver;
    std::string etag, last_modified, content_range;
    std::optional<std::uint64_t> content_length;
    Clock::time_point last_byte = Clock::now();
    std::optional<Clock::time_point> window;  // begins with the first byte
    std::uint64_t in_window = 0;              // bytes
    std::string refused_address;
    std::string bad_head;  // why the head makes no sense
    std::size_t unwanted = 0;
    bool begun = false, denied = false;
    std::array<char, CURL_ERROR_SIZE> details = {};  // libcurl's own words

    long status() const;
    bool wanted() const { return status() == 200 || status() == 206; }
    bool begin();
    void count(std::size_t bytes);
    bool drips(Clock::time_point now);
};

long Exchange::status() const {
    long value = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &value);
    return value;
}

void Exchange::count(std::size_t bytes) {
    last_byte = Clock::now();
    if (!window) window = last_byte;
    in_window += bytes;
}

// True if a window has ended in which less came than has to; else the next one may begin.
bool Exchange::drips(Clock::time_point now) {
    if (policy.least_rate == 0 || !window || now - *window < policy.rate_window) return false;
    const auto lasted = std::chrono::duration_cast<std::chrono::milliseconds>(now - *window);
    const auto least = policy.least_rate * static_cast<std::uint64_t>(lasted.count()) / 1000;
    const bool too_few = in_window < least;
    window = now;
    in_window = 0;
    return too_few;
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return {};
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

// "bytes 10-19/20" or "bytes 10-19/*"; false if it is neither.
bool parse_range(std::string_view text, AnswerHead& head) {
    if (!text.starts_with("bytes ")) return false;
    text.remove_prefix(6);
    const auto first = take_number(text);
    if (!first || !text.starts_with('-')) return false;
    text.remove_prefix(1);
    const auto last = take_number(text);
    if (!last || *last < *first || !text.starts_with('/')) return false;
    text.remove_prefix(1);
    head.first = *first;
    if (text == "*") return true;
    head.total = take_number(text);
    // All to the end was asked for; a server may send less, which would look complete.
    return head.total && text.empty() && *last + 1 == *head.total;
}

// Hands the head over once, before the first byte of the body or at its end.
bool Exchange::begin() {
    if (begun) return !denied;
    begun = true;
    AnswerHead head{.partial = status() == 206};
    if (head.partial && !parse_range(content_range, head)) {
        bad_head = "the server sent a part of the file, but not the one asked for";
        return false;
    }
    if (!head.partial) head.total = content_length;
    // A weak validator promises the same meaning, not the same bytes (RFC 9110, section 13.1.5).
    head.validator = etag.starts_with('"') ? etag : last_modified;
    denied = !receiver.begin(head);
    return !denied;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::size_t take_header(char* text, std::size_t one, std::size_t size, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    const auto line = std::string_view{text, one * size};
    exchange.count(line.size());
    if (line.starts_with("HTTP/")) {  // a new answer, after "100 Continue" or a proxy's
        exchange.etag.clear();
        exchange.last_modified.clear();
        exchange.content_range.clear();
        exchange.content_length.reset();
        return line.size();
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return line.size();
    auto name = std::string{line.substr(0, colon)};
    for (auto& c : name) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    auto value = trimmed(line.substr(colon + 1));
    if (value.size() > max_header_value) return line.size();
    if (name == "etag") exchange.etag = value;
    if (name == "last-modified") exchange.last_modified = value;
    if (name == "content-range") exchange.content_range = value;
    if (name == "content-length") exchange.content_length = take_number(value);
    return line.size();
}

std::size_t take_body(char* bytes, std::size_t one, std::size_t size, void* data) {
    auto& exchange = *static_cast<Exchange*>(data);
    const auto piece = std::string_view{bytes, one * size};
    exchange.count(piece.size());
    if (!exchange.wanted()) {
        exchange.unwanted += piece.size();
        return exchange.unwanted <= max_unwanted_bytes ? piece.size() : 0;
    }
    if (!exchange.begin()) return 0;
    exchange.denied = !exchange.receiver.take(piece);
    return exchange.denied ? 0 : piece.size();
}

std::string text_of(const curl_sockaddr& address) {
    auto text = std::array<char, INET6_ADDRSTRLEN>{};
    const void* bytes = nullptr;
    sockaddr_in v4;
    sockaddr_in6 v6;
    if (address.family == AF_INET) {
        std::memcpy(&v4, &address.addr, sizeof v4);
        bytes = &v4.sin_addr;
    } else if (address.family == AF_INET6 && address.addrlen >= sizeof v6) {
        // libcurl declares a plain sockaddr, with the room of a larger one behind it.
        std::memcpy(&v6, static_cast<const void*>(&address.addr), sizeof v6);
        bytes = &v6.sin6_addr;
    }
    if (!bytes || !::inet_ntop(address.family, bytes, text.data(), text.size())) return "?";
    return text.data();
}

// libcurl asks for a socket when it knows where it will connect to.
curl_socket_t open_socket(void* data, curlsocktype, curl_sockaddr* address) {
    auto& exchange = *static_cast<Exchange*>(data);
    if (!exchange.policy.allow_private_addresses &&
        !is_public_address(address->addr, static_cast<socklen_t>(address->addrlen))) {
        exchange.refused_address = text_of(*address);
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) {
        throw sys::Error(sys::Kind::broken, "libcurl does not know the option " +
                                                std::to_string(static_cast<int>(option)));
    }
}

struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeList>;

void configure(Exchange& exchange, const std::string& url, const Asking& asking,
               const Headers& headers) {
    auto* easy = exchange.easy;
    const auto& policy = exchange.policy;
    set(easy, CURLOPT_URL, url.c_str());
    set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    set(easy, CURLOPT_FOLLOWLOCATION, 0L);
    set(easy, CURLOPT_NOSIGNAL, 1L);
    set(easy, CURLOPT_USERAGENT, policy.user_agent.c_str());
    set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(policy.connect_timeout.count()));
    if (!policy.allow_private_addresses) set(easy, CURLOPT_PROXY, "");
    set(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(easy, CURLOPT_OPENSOCKETDATA, &exchange);
    set(easy, CURLOPT_HEADERFUNCTION, take_header);
    set(easy, CURLOPT_HEADERDATA, &exchange);
    set(easy, CURLOPT_WRITEFUNCTION, take_body);
    set(easy, CURLOPT_WRITEDATA, &exchange);
    set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(easy, CURLOPT_ERRORBUFFER, exchange.details.data());
    if (asking.offset > 0) set(easy, CURLOPT_HTTPHEADER, headers.get());
}

// By hand and not by CURLOPT_RESUME_FROM: libcurl calls a 200 in answer to that an error.
Headers headers_for(const Asking& asking) {
    Headers headers;
    const auto add = [&](const std::string& line) {
        if (auto* longer = curl_slist_append(headers.get(), line.c_str())) {
            static_cast<void>(headers.release());  // its first element is `longer` now
            headers.reset(longer);
        }
    };
    if (asking.offset == 0) return headers;
    add("Range: bytes=" + std::to_string(asking.offset) + "-");
    if (!asking.if_range.empty()) add("If-Range: " + asking.if_range);
    return headers;
}

bool passes(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
        case CURLE_OPERATION_TIMEDOUT:
        case CURLE_PARTIAL_FILE:
        case CURLE_GOT_NOTHING:
        case CURLE_SEND_ERROR:
        case CURLE_RECV_ERROR:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_HTTP2:
        case CURLE_HTTP2_STREAM:
            return true;
        default:
            return false;
    }
}

bool passes(long status) {
    constexpr long passing[] = {408, 425, 429, 500, 502, 503, 504};
    return std::ranges::find(passing, status) != std::end(passing);
}

Outcome of_status(const std::string& where, long status) {
    if (status == 200 || status == 206) return {};
    auto why = where + ": the server answered with HTTP status " + std::to_string(status);
    if (status == 416) return {Ending::no_such_range, sys::Kind::broken, std::move(why)};
    if (passes(status)) return {Ending::try_again, sys::Kind::broken, std::move(why)};
    const bool gone = status == 404 || status == 410;
    return {Ending::failed, gone ? sys::Kind::not_found : sys::Kind::broken, std::move(why)};
}

Outcome of_code(const std::string& where, const Exchange& exchange, CURLcode code) {
    if (exchange.denied) return {Ending::receiver_denied};
    if (!exchange.bad_head.empty())
        return {Ending::no_such_range, sys::Kind::broken, where + ": " + exchange.bad_head};
    if (!exchange.refused_address.empty() && code == CURLE_COULDNT_CONNECT) {
        return {Ending::failed, sys::Kind::invalid,
                where + ": its host has the address " + exchange.refused_address +
                    ", and addresses that are not public are not allowed"};
    }
    if (code == CURLE_WRITE_ERROR && !exchange.wanted()) return of_status(where, exchange.status());
    return {
        passes(code) ? Ending::try_again : Ending::failed, sys::Kind::broken,
        where + ": " + (exchange.details[0] ? exchange.details.data() : curl_easy_strerror(code))};
}

std::string seconds(std::chrono::milliseconds time) {
    return std::to_string(time.count() / 1000) + "." + std::to_string(time.count() % 1000 / 100) +
           " s";
}

// Sleeps in poll until the exchange is over, or has to be.
Outcome drive(CURLM* multi, Exchange& exchange, const std::string& where, const Attempt& attempt) {
    for (;;) {
        int running = 0;
        if (curl_multi_perform(multi, &running) != CURLM_OK)
            throw sys::Error(sys::Kind::broken, where + ": libcurl failed");
        exchange.receiver.tick();
        if (running == 0) break;
        const auto now = Clock::now();
        if (attempt.stop.stop_requested()) return {Ending::stopped};
        if (now - exchange.last_byte > exchange.policy.stall_timeout) {
            return {Ending::try_again, sys::Kind::broken,
                    where + ": nothing came for " + seconds(exchange.policy.stall_timeout)};
        }
        if (exchange.drips(now)) {
            return {Ending::try_again, sys::Kind::broken,
                    where + ": came slower than " + std::to_string(exchange.policy.least_rate) +
                        " bytes a second for " + seconds(exchange.policy.rate_window) +
                        " (packages.least_rate)"};
        }
        if (now > attempt.deadline) {
            return {Ending::failed, sys::Kind::broken,
                    where + ": took longer than " + seconds(exchange.policy.total_timeout)};
        }
        curl_multi_poll(multi, nullptr, 0, poll_milliseconds, nullptr);
    }
    int left = 0;
    const auto* message = curl_multi_info_read(multi, &left);
    const auto code = message ? message->data.result : CURLE_FAILED_INIT;
    if (code != CURLE_OK) return of_code(where, exchange, code);
    // A body of no bytes has not been announced yet.
    if (exchange.wanted() && !exchange.begin()) return of_code(where, exchange, CURLE_WRITE_ERROR);
    return of_status(where, exchange.status());
}

// One request. An address to go on to ends up in `next`.
Outcome exchange_with(const std::string& url, const Attempt& attempt, std::string& next) {
    const auto headers = headers_for(attempt.asking);
    const auto multi = std::unique_ptr<CURLM, FreeMulti>{curl_multi_init()};
    Exchange exchange{nullptr, attempt.policy, attempt.receiver};  // outlives the handle it is in
    const auto easy = std::unique_ptr<CURL, FreeEasy>{curl_easy_init()};
    if (!multi || !easy) throw sys::Error(sys::Kind::broken, "no memory for a download");
    exchange.easy = easy.get();
    configure(exchange, url, attempt.asking, headers);
    curl_multi_add_handle(multi.get(), easy.get());
    // Before the handles are gone, whatever is thrown.
    const auto remove = [&](CURL* handle) { curl_multi_remove_handle(multi.get(), handle); };
    const auto added = std::unique_ptr<CURL, decltype(remove)>{easy.get(), remove};

    auto outcome = drive(multi.get(), exchange, shown_url(url), attempt);
    const auto status = exchange.status();
    const bool redirects =
        status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    const char* target = nullptr;
    if (redirects && outcome.ending == Ending::failed)
        curl_easy_getinfo(easy.get(), CURLINFO_REDIRECT_URL, &target);
    next = target ? target : "";
    return outcome;
}

}  // namespace

Outcome transfer(const Asking& asking, const FetchPolicy& policy, const Receiver& receiver,
                 const std::stop_token& stop) {
    prepare_curl();
    const auto attempt = Attempt{asking, policy, receiver, stop};
    auto url = asking.url;
    for (int redirects = 0;; ++redirects) {
        std::string next;
        auto outcome = exchange_with(url, attempt, next);
        if (next.empty()) return outcome;
        if (redirects >= policy.redirects) {
            return {Ending::failed, sys::Kind::broken,
                    shown_url(asking.url) + ": redirects more than " +
                        std::to_string(policy.redirects) + " times"};
        }
        if (const auto objection = objection_to(next, url, policy); !objection.empty()) {
            return {Ending::failed, sys::Kind::invalid,
                    shown_url(url) + ": redirects to " + shown_url(next) + ", which " + objection};
        }
        url = std::move(next);
    }
}

}  // namespace packages
