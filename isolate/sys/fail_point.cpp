#include "isolate/sys/fail_point.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sys {

namespace {

FailControl* control = nullptr;

// Atomic in place: the struct is plain because it lies in a file.
unsigned next_turn(FailControl& shared) {
    return std::atomic_ref{shared.reached}.fetch_add(1) + 1;
}

bool path_in(const char* directory, char* path, std::size_t size) {
    const int length = std::snprintf(path, size, "%s/%s", directory, fail_control_name);
    return length > 0 && static_cast<std::size_t>(length) < size;
}

}  // namespace

bool fails_here(const char* name) {
    if (!control || std::atomic_ref{control->fail_at}.load() == 0) return false;
    if (std::strncmp(name, control->wanted, std::strlen(control->wanted)) != 0) return false;
    if (next_turn(*control) != std::atomic_ref{control->fail_at}.load()) return false;
    std::strncpy(control->failed_name, name, sizeof control->failed_name - 1);
    std::atomic_ref{control->failed}.store(1);
    errno = control->error;
    return true;
}

bool map_fail_control(int fd) {
    void* mapping = ::mmap(nullptr, sizeof(FailControl), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED) return false;
    // An earlier mapping stays: points of other threads may be looking at it.
    control = static_cast<FailControl*>(mapping);
    return true;
}

int open_fail_control(const char* directory) {
    char path[4096];
    if (!path_in(directory, path, sizeof path)) return -1;
    const int fd = ::open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && map_fail_control(fd)) return fd;
    if (fd >= 0) ::close(fd);
    return -1;
}

void make_fail_control(const char* directory) {
    const char* wish = std::getenv("CRANKCASE_FAIL");
    const char* turn = wish ? std::strchr(wish, ':') : nullptr;
    char path[4096];
    if (!turn || !path_in(directory, path, sizeof path)) return;
    FailControl made{};
    made.error = EIO;
    char* rest = nullptr;
    made.fail_at = static_cast<unsigned>(std::strtoul(turn + 1, &rest, 10));
    if (*rest == ':') made.error = std::atoi(rest + 1);
    if (*wish != '*')
        std::snprintf(made.wanted, sizeof made.wanted, "%.*s", static_cast<int>(turn - wish), wish);
    const int fd = ::open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || ::write(fd, &made, sizeof made) != static_cast<ssize_t>(sizeof made))
        std::perror("CRANKCASE_FAIL");
    if (fd >= 0) ::close(fd);
}

}  // namespace sys
