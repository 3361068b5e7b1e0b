// One keep-alive connection that sends the same request over and over.
//
// The whole request is prepared once and sent in one piece; the clock of a job runs from before the
// first byte is sent, connecting included if need be, until the last byte of the answer is in hand.
#pragma once

#include <string>
#include <string_view>

#include "isolate/sys/fd.h"
#include "tests/bench/answer.h"
#include "tests/bench/http_response.h"

namespace bench {

struct Endpoint {
    std::string host;
    std::string port;
    std::string path;

    bool operator==(const Endpoint&) const = default;
};

// Reads [http://]HOST:PORT[/PATH]. Throws Error{invalid}.
Endpoint parse_endpoint(std::string_view url);

class HttpClient {
public:
    // Connects at the first job. The body is JSON.
    HttpClient(Endpoint endpoint, std::string_view body);

    // POSTs once. The answer counts if it is a 200 in which every stage exited 0. Throws
    // Error{broken} if the server cannot be reached or breaks off.
    Answer post();

private:
    void connect();
    bool send_request();
    bool receive_response();
    bool exchange();

    Endpoint endpoint_;
    std::string request_;
    HttpResponse response_;
    sys::UniqueFd socket_;
};

}  // namespace bench
