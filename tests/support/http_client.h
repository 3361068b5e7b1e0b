// A raw HTTP client for tests: sends exactly the bytes it is told to, cut where it is told, and
// reads answers by their Content-Length. It never repairs anything, so that a test can be rude.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "isolate/sys/fd.h"

namespace support {

struct RawAnswer {
    int status = 0;
    std::string head;  // all lines, without the empty one
    std::string body;

    // The value of a header line; empty if there is none.
    std::string field(std::string_view name) const;
};

class HttpClient {
public:
    // Connects to a port of the loopback; throws Error{broken} if nobody listens. A
    // receive buffer of 0 bytes leaves the kernel's choice, and so does no address of our own.
    explicit HttpClient(std::uint16_t port, const char* address = "127.0.0.1",
                        int receive_buffer = 0, const char* own_address = nullptr);

    // Sends all of it. False if the server has closed.
    bool send(std::string_view text);

    // The next answer, interim ones (100) included; empty if the connection ended or `patience` ran
    // out first. `bodiless` for the answer to HEAD.
    std::optional<RawAnswer> read_answer(bool bodiless = false);

    // Everything up to the end of the connection; empty if it did not end in time.
    std::optional<std::string> read_to_end();

    // Reads so many bytes at most before each pause, up to the end of the connection or to
    // `most` bytes in all, which are not kept; how many came.
    std::size_t read_slowly(std::size_t piece, std::chrono::milliseconds pause, std::size_t most);

    // What has arrived or does within `patience`, a few bytes at most; they are not kept.
    std::string read_beginning();

    // Something has arrived; it is not taken.
    bool has_bytes();

    // The server has ended the connection, and sent nothing before.
    bool ended();

    // Closes the sending direction only.
    void finish_sending();
    // Closes both; the server is told by FIN, or by RST if it is to be rude.
    void close();
    void reset();

    std::chrono::milliseconds patience{10'000};

private:
    enum class Progress { more, end, too_late };

    Progress receive();

    sys::UniqueFd socket_;
    std::string received_;
};

// A request without body, and one with a JSON body, as any client would send them.
std::string get(std::string_view path, std::string_view more_fields = {});
std::string post(std::string_view path, std::string_view body, std::string_view more_fields = {});

}  // namespace support
