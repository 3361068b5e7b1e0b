#include "api/cli/run/descriptors.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "api/cli/failure.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

constexpr std::size_t most_bytes = 64U << 20U;
constexpr std::size_t piece = 65536;

// Somebody else may have made the terminal we share non-blocking.
void wait_for(int fd, short events) {
    pollfd polled{fd, events, 0};
    if (::poll(&polled, 1, -1) < 0 && errno != EINTR) sys::fail("poll");
}

void write_all(int fd, std::string_view bytes, const char* name) {
    while (!bytes.empty()) {
        const auto written = ::write(fd, bytes.data(), bytes.size());
        if (written >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN) {
            wait_for(fd, POLLOUT);
        } else if (errno != EINTR) {
            sys::fail(std::string{"write to "} + name);
        }
    }
}

}  // namespace

std::string read_standard_input() {
    std::string text;
    std::vector<char> bytes(piece);
    for (;;) {
        const auto length = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (length == 0) return text;
        if (length < 0 && errno == EINTR) continue;
        if (length < 0 && errno == EAGAIN) {
            wait_for(STDIN_FILENO, POLLIN);
            continue;
        }
        if (length < 0) sys::fail("read standard input");
        text.append(bytes.data(), static_cast<std::size_t>(length));
        if (text.size() > most_bytes)
            throw Failure(ExitCode::usage, "standard input is more than 64 MiB");
    }
}

void write_standard_output(std::string_view bytes) {
    write_all(STDOUT_FILENO, bytes, "standard output");
}

void write_standard_error(std::string_view bytes) {
    write_all(STDERR_FILENO, bytes, "standard error");
}

}  // namespace cli
