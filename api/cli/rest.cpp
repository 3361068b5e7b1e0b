#include "api/cli/rest.h"

#include <curl/curl.h>

#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/cli/failure.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

constexpr std::size_t most_bytes = 64U << 20U;

struct EasyDeleter {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyDeleter>;

struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append(List& list, const std::string& line) {
    auto* longer = curl_slist_append(list.get(), line.c_str());
    if (!longer) throw std::bad_alloc{};
    (void)list.release();  // it is part of the longer one
    list.reset(longer);
}

// Where an answer's bytes go.
struct Receiver {
    CURL* easy;
    const Rest::Sink* sink;  // of a stream; nullptr: none was asked for
    Answer answer{};
    std::exception_ptr trouble{};  // the sink's
    bool too_large = false;

    void take(std::string_view bytes) {
        if (sink != nullptr && is_stream()) {
            answer.streamed = true;
            return (*sink)(bytes);
        }
        too_large = answer.body.size() + bytes.size() > most_bytes;
        if (!too_large) answer.body += bytes;
    }

private:
    bool is_stream() const {
        long status = 0;
        const char* type = nullptr;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
        return status == 200 && type != nullptr &&
               lower_case(type).starts_with("text/event-stream");
    }
};

// Called by C: nothing may be thrown through it.
std::size_t take(char* bytes, std::size_t, std::size_t count, void* to) noexcept {
    auto& receiver = *static_cast<Receiver*>(to);
    try {
        receiver.take({bytes, count});
    } catch (...) {
        receiver.trouble = std::current_exception();
    }
    return receiver.trouble || receiver.too_large ? CURL_WRITEFUNC_ERROR : count;
}

int look_for_stop(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    return static_cast<const std::stop_token*>(stop)->stop_requested() ? 1 : 0;
}

bool is_loopback(const std::string& base) {
    if (!socket_path_of(base).empty()) return true;
    for (const auto* host : {"://127.", "://localhost:", "://localhost/", "://[::1]"}) {
        if ((base + "/").find(host) != std::string::npos) return true;
    }
    return false;
}

// A proxy cannot reach this machine's own engine.
void prepare(CURL* easy, const std::string& base) {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "crankcase");
    if (is_loopback(base)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

[[noreturn]] void fail_to_ask(const std::string& base, CURLcode code, const char* details,
                              const Receiver& receiver) {
    if (receiver.trouble) std::rethrow_exception(receiver.trouble);
    if (code == CURLE_ABORTED_BY_CALLBACK) throw sys::Error(sys::Kind::busy, "stopped");
    if (receiver.too_large) throw sys::Error(sys::Kind::broken, base + " sends more than 64 MiB");
    const std::string cause = *details != '\0' ? details : curl_easy_strerror(code);
    const std::string what =
        receiver.answer.streamed ? "the connection broke to " : "no engine answers at ";
    throw sys::Error(sys::Kind::broken, what + base + ": " + printable(cause));
}

ExitCode code_of(long status) {
    switch (status) {
        case 401:
        case 403:
            return ExitCode::permission;
        case 404:
            return ExitCode::not_found;
        case 409:
        case 423:
        case 429:
        case 503:
            return ExitCode::busy;
        default:
            return ExitCode::failed;
    }
}

}  // namespace

std::string base_url(const std::string& text) {
    if (!socket_path_of(text).empty()) return text;
    auto url = text.find("://") == std::string::npos ? "http://" + text : text;
    const auto scheme = lower_case(url.substr(0, url.find("://")));
    if (scheme != "http" && scheme != "https")
        throw Failure(ExitCode::usage,
                      "--url takes http://…, https://… or unix:/…, not " + printable(text));
    for (const std::string suffix : {"/", "/api/v2", "/"}) {
        if (url.ends_with(suffix)) url.resize(url.size() - suffix.size());
    }
    return url;
}

std::string socket_path_of(const std::string& base) {
    constexpr std::string_view scheme = "unix:";
    if (!base.starts_with(scheme)) return {};
    const auto path = base.substr(scheme.size());
    return path.starts_with('/') ? path : std::string{};
}

std::string url_of_listen(const std::string& listen) {
    const auto colon = listen.rfind(':');
    auto host = listen.substr(0, colon);
    if (host.empty() || host == "0.0.0.0" || host == "*") host = "127.0.0.1";
    if (host == "[::]") host = "[::1]";
    return "http://" + host + (colon == std::string::npos ? "" : listen.substr(colon));
}

std::string message_of(const Answer& answer) {
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    if (json.is_object()) {
        const auto message = json.find("message");
        if (message != json.end() && message->is_string())
            return printable(message->get<std::string>());
    }
    return "the engine answered " + std::to_string(answer.status);
}

void throw_unless_good(const Answer& answer) {
    if (answer.status >= 200 && answer.status < 300) return;
    const auto message = message_of(answer);
    throw Failure(is_about_digest(message) ? ExitCode::damaged : code_of(answer.status), message);
}

Rest::Rest(std::string base, std::string token) : base_(std::move(base)), token_(std::move(token)) {
    // Thread-safe in libcurl since 7.84, counted, and harmless to repeat.
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

Answer Rest::get(const std::string& path, const std::stop_token& stop) const {
    return request({.method = "GET", .path = path}, stop);
}

Answer Rest::post(const std::string& path, const std::string& json,
                  const std::stop_token& stop) const {
    return request({.method = "POST", .path = path, .json = &json}, stop);
}

Answer Rest::remove(const std::string& path, const std::string& json,
                    const std::stop_token& stop) const {
    return request({.method = "DELETE", .path = path, .json = &json}, stop);
}

Answer Rest::post_streamed(const std::string& path, const std::string& json,
                           const std::stop_token& stop, const Sink& sink) const {
    return request({.method = "POST", .path = path, .json = &json, .sink = &sink}, stop);
}

Answer Rest::request(const Call& call, const std::stop_token& stop) const {
    const Easy easy{curl_easy_init()};
    if (!easy) throw std::bad_alloc{};
    prepare(easy.get(), base_);
    List headers;
    append(headers, call.sink ? "Accept: text/event-stream" : "Accept: application/json");
    append(headers, "Expect:");  // no waiting for "100 Continue"
    if (!token_.empty()) append(headers, "Authorization: Bearer " + token_);
    if (call.json) {
        append(headers, "Content-Type: application/json");
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(call.json->size()));
        curl_easy_setopt(easy.get(), CURLOPT_POSTFIELDS, call.json->c_str());
    }
    Receiver receiver{.easy = easy.get(), .sink = call.sink};
    char details[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, call.method);
    const auto socket = socket_path_of(base_);
    if (!socket.empty()) curl_easy_setopt(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    const auto url = (socket.empty() ? base_ : "http://localhost") + call.path;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &receiver);
    curl_easy_setopt(easy.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy.get(), CURLOPT_XFERINFOFUNCTION, look_for_stop);
    curl_easy_setopt(easy.get(), CURLOPT_XFERINFODATA, &stop);
    curl_easy_setopt(easy.get(), CURLOPT_ERRORBUFFER, details);
    const auto code = curl_easy_perform(easy.get());
    if (code != CURLE_OK) fail_to_ask(base_, code, details, receiver);
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &receiver.answer.status);
    return std::move(receiver.answer);
}

}  // namespace cli
