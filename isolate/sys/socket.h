// Messages with descriptors over a SOCK_SEQPACKET pair: a message arrives whole, together with its
// descriptors, or not at all. Nothing here allocates or throws, so that the init inside a container
// uses the same few lines as the daemon. Results are 0 or a length, or a negative error number.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "isolate/sys/fd.h"

namespace sys {

inline constexpr std::size_t max_passed_fds = 16;

// Descriptors that came with, or go with, one message.
struct PassedFds {
    std::array<UniqueFd, max_passed_fds> fds;
    std::size_t count = 0;

    UniqueFd take(std::size_t index) { return index < count ? std::move(fds[index]) : UniqueFd{}; }
};

struct SocketPair {
    UniqueFd ours;
    UniqueFd theirs;
};

// A connected pair, both ends CLOEXEC. On failure both are empty and errno is set (man 2
// socketpair).
SocketPair socket_pair();

// Sends one message of several pieces. Returns 0 or -errno; never raises SIGPIPE.
int send_message(const UniqueFd& socket, std::span<const std::span<const std::byte>> pieces,
                 std::span<const int> fds = {});

// Receives one message. Returns its length, 0 at the end of the stream, or -errno: -EMSGSIZE if it
// did not fit the buffer or brought too many descriptors. Descriptors arrive CLOEXEC; those of
// earlier calls in `passed` are closed first.
ssize_t receive_message(const UniqueFd& socket, std::span<std::byte> buffer, PassedFds& passed,
                        int flags = 0);

// The sender's pid as the kernel vouches for it, for a socket with SO_PASSCRED; 0 if unknown. Works
// only if the option was set before the peer sent (man 7 unix).
ssize_t receive_with_pid(const UniqueFd& socket, std::span<std::byte> buffer, PassedFds& passed,
                         pid_t& sender);

// One value as bytes, to send or to fill.
template <typename Value>
requires std::is_trivially_copyable_v<Value> std::span<const std::byte> bytes_of(
    const Value& value) {
    return std::as_bytes(std::span{&value, 1});
}

}  // namespace sys
