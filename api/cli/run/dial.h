// A TCP connection to an engine while it is being made: everything has its time.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "isolate/sys/fd.h"

namespace cli {

class Dialled {
public:
    // To the first address of the host that answers, or to a Unix socket by its path. Throws
    // sys::Error{broken} after 10 s, or if nobody is there; `base` is how the sentence calls it.
    Dialled(const std::string& host, const std::string& port, std::string base);

    // Both wait, for the same 10 s together. Throw sys::Error{broken} if the time is over or the
    // connection broke.
    void send(std::string_view bytes);
    std::string receive();  // empty: the other side has ended it

    // The socket, which does not block; this is done then.
    sys::UniqueFd release() { return std::move(socket_); }

private:
    void connect(const std::string& host, const std::string& port);
    void connect_unix(const std::string& path);
    // Throws if the events do not come in time.
    void wait_for(int fd, short events) const;
    [[noreturn]] void fail(const std::string& why) const;

    std::string base_;
    std::chrono::steady_clock::time_point deadline_;
    sys::UniqueFd socket_;
};

}  // namespace cli
