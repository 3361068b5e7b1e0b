// The gate: a library that lets an unchanged interpreter start ahead of its job and stops it at the
// first call that names the job's main file, before anything of the job is there.
//
// It is preloaded (man 8 ld.so, LD_PRELOAD) into a process that is confined as any job is, from its
// first instruction on; it guards nothing. One byte lets the process go on, as if nothing had been:
// the variables that brought the library are gone from the environment before main() sees them, and
// the socket to the daemon lies above every number that a program is given. If the daemon lets go
// of its end instead, the process ends. What stays is a file more in /proc/self/maps, and zeros
// behind the environment in /proc/self/environ.
//
// Everything a libc offers for a path is here, for interpreters differ in what they call first:
// Python in readlink, PHP in open, node in syscall(SYS_statx).
#include <dlfcn.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "isolate/gate/word.h"
#include "isolate/gate/zygote.h"

// Without the headers that declare what is defined below: structures are only passed on.
extern "C" {
int fcntl(int fd, int command, ...);
int close(int fd);
long read(int fd, void* buffer, std::size_t size);
long write(int fd, const void* buffer, std::size_t size);
[[noreturn]] void _exit(int code);
}

namespace {

constexpr int duplicate_from = 1030;  // F_DUPFD_CLOEXEC, of fcntl.h
// The highest a table of descriptors has room for without growing. Any other that is free will do.
constexpr int usual_place = 63;
constexpr int lowest_place = 3;

bool is_armed = false;
bool is_zygote = false;
int daemon_socket = -1;
char main_name[256];  // without its directory; NAME_MAX and a NUL

// A program that looks for it finds neither the variable nor its bytes.
void forget(const char* variable) {
    char* const value = std::getenv(variable);
    if (!value) return;
    char* const entry = value - std::strlen(variable) - 1;
    const auto length = std::strlen(entry);
    ::unsetenv(variable);
    std::memset(entry, 0, length);
}

// The variable is the program's to take out again; not even its bytes are left then.
void give() {
    const char* const variable = std::getenv(isolate::gate::given);
    char* const copy = variable ? ::strdup(variable) : nullptr;
    forget(isolate::gate::given);
    if (copy) ::putenv(copy);
}

__attribute__((constructor)) void arm() {
    const char* const name = std::getenv(isolate::gate::variable);
    const bool is_wanted = name && std::strlen(name) < sizeof main_name;
    if (is_wanted) std::memcpy(main_name, name, std::strlen(name) + 1);
    is_zygote = std::getenv(isolate::gate::zygote_variable) != nullptr;
    forget("LD_PRELOAD");
    forget(isolate::gate::variable);
    forget(isolate::gate::zygote_variable);
    give();
    if (!is_wanted) return;
    daemon_socket = isolate::gate::move_away(isolate::gate::descriptor);
    is_armed = true;
}

bool names_main(const char* path) {
    const char* const slash = std::strrchr(path, '/');
    return std::strcmp(slash ? slash + 1 : path, main_name) == 0;
}

void say(char word) {
    while (::write(daemon_socket, &word, 1) < 0 && errno == EINTR) {
    }
}

void stop_at(const char* path) {
    if (!is_armed || !path || !names_main(path)) return;
    is_armed = false;
    const int error = errno;
    if (is_zygote) daemon_socket = isolate::gate::fork_jobs(daemon_socket);
    say(isolate::gate::here);
    char word = 0;
    long length = 0;
    while ((length = ::read(daemon_socket, &word, 1)) < 0 && errno == EINTR) {
    }
    if (length != 1) ::_exit(0);
    say(isolate::gate::gone_on);
    ::close(daemon_socket);
    errno = error;
}

// The name of a function as an argument of a template.
template <std::size_t Size>
struct Name {
    char text[Size]{};
    consteval Name(const char (&literal)[Size]) {
        for (std::size_t i = 0; i < Size; ++i) text[i] = literal[i];
    }
};

// The function of that name that a program would have called without this library.
template <Name name, typename Result, typename... Arguments>
Result pass(const char* path, Arguments... arguments) {
    using Function = Result (*)(Arguments...);
    static const auto function = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name.text));
    stop_at(path);
    return function(arguments...);
}

}  // namespace

int isolate::gate::move_away(int fd) {
    int away = ::fcntl(fd, duplicate_from, usual_place);
    if (away < 0) away = ::fcntl(fd, duplicate_from, lowest_place);
    ::close(fd);
    if (away < 0) ::_exit(1);
    return away;
}

// Where the header has "...", the argument that may follow is passed on whether it is there or not:
// it comes in the same register either way.
#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int open(const char* path, int flags, unsigned mode) {
    return pass<"open", int>(path, path, flags, mode);
}
EXPORTED int open64(const char* path, int flags, unsigned mode) {
    return pass<"open64", int>(path, path, flags, mode);
}
EXPORTED int openat(int directory, const char* path, int flags, unsigned mode) {
    return pass<"openat", int>(path, directory, path, flags, mode);
}
EXPORTED int openat64(int directory, const char* path, int flags, unsigned mode) {
    return pass<"openat64", int>(path, directory, path, flags, mode);
}
EXPORTED int __open_2(const char* path, int flags) {
    return pass<"__open_2", int>(path, path, flags);
}
EXPORTED int __open64_2(const char* path, int flags) {
    return pass<"__open64_2", int>(path, path, flags);
}
EXPORTED int __openat_2(int directory, const char* path, int flags) {
    return pass<"__openat_2", int>(path, directory, path, flags);
}
EXPORTED int __openat64_2(int directory, const char* path, int flags) {
    return pass<"__openat64_2", int>(path, directory, path, flags);
}
EXPORTED void* fopen(const char* path, const char* mode) {
    return pass<"fopen", void*>(path, path, mode);
}
EXPORTED void* fopen64(const char* path, const char* mode) {
    return pass<"fopen64", void*>(path, path, mode);
}
EXPORTED void* freopen(const char* path, const char* mode, void* stream) {
    return pass<"freopen", void*>(path, path, mode, stream);
}
EXPORTED void* freopen64(const char* path, const char* mode, void* stream) {
    return pass<"freopen64", void*>(path, path, mode, stream);
}
EXPORTED int stat(const char* path, void* status) {
    return pass<"stat", int>(path, path, status);
}
EXPORTED int stat64(const char* path, void* status) {
    return pass<"stat64", int>(path, path, status);
}
EXPORTED int lstat(const char* path, void* status) {
    return pass<"lstat", int>(path, path, status);
}
EXPORTED int lstat64(const char* path, void* status) {
    return pass<"lstat64", int>(path, path, status);
}
EXPORTED int fstatat(int directory, const char* path, void* status, int flags) {
    return pass<"fstatat", int>(path, directory, path, status, flags);
}
EXPORTED int fstatat64(int directory, const char* path, void* status, int flags) {
    return pass<"fstatat64", int>(path, directory, path, status, flags);
}
// What programs call that were linked with a glibc before 2.33.
EXPORTED int __xstat(int version, const char* path, void* status) {
    return pass<"__xstat", int>(path, version, path, status);
}
EXPORTED int __xstat64(int version, const char* path, void* status) {
    return pass<"__xstat64", int>(path, version, path, status);
}
EXPORTED int __lxstat(int version, const char* path, void* status) {
    return pass<"__lxstat", int>(path, version, path, status);
}
EXPORTED int __lxstat64(int version, const char* path, void* status) {
    return pass<"__lxstat64", int>(path, version, path, status);
}
EXPORTED int __fxstatat(int version, int directory, const char* path, void* status, int flags) {
    return pass<"__fxstatat", int>(path, version, directory, path, status, flags);
}
EXPORTED int __fxstatat64(int version, int directory, const char* path, void* status, int flags) {
    return pass<"__fxstatat64", int>(path, version, directory, path, status, flags);
}
EXPORTED int statx(int directory, const char* path, int flags, unsigned mask, void* status) {
    return pass<"statx", int>(path, directory, path, flags, mask, status);
}
EXPORTED int access(const char* path, int mode) {
    return pass<"access", int>(path, path, mode);
}
EXPORTED int faccessat(int directory, const char* path, int mode, int flags) {
    return pass<"faccessat", int>(path, directory, path, mode, flags);
}
EXPORTED long readlink(const char* path, char* buffer, std::size_t size) {
    return pass<"readlink", long>(path, path, buffer, size);
}
EXPORTED long readlinkat(int directory, const char* path, char* buffer, std::size_t size) {
    return pass<"readlinkat", long>(path, directory, path, buffer, size);
}
EXPORTED long __readlink_chk(const char* path, char* buffer, std::size_t size, std::size_t room) {
    return pass<"__readlink_chk", long>(path, path, buffer, size, room);
}
EXPORTED char* realpath(const char* path, char* resolved) {
    return pass<"realpath", char*>(path, path, resolved);
}
EXPORTED char* __realpath_chk(const char* path, char* resolved, std::size_t room) {
    return pass<"__realpath_chk", char*>(path, path, resolved, room);
}
EXPORTED long syscall(long number, long a, long b, long c, long d, long e, long f) {
    const char* const path = number == SYS_statx ? reinterpret_cast<const char*>(b) : nullptr;
    return pass<"syscall", long>(path, number, a, b, c, d, e, f);
}
