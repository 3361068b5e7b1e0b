#include "isolate/sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"

namespace sys {

namespace {

// Of one write that has to take all of it: 0 or an error number.
int outcome_of(ssize_t written, std::string_view text) {
    if (written < 0) return errno;
    return written == static_cast<ssize_t>(text.size()) ? 0 : EIO;
}

}  // namespace

UniqueFd try_open(const std::string& path, int flags, mode_t mode) {
    return UniqueFd{SYS_FAIL_POINT("sys.open", ::open(path.c_str(), flags | O_CLOEXEC, mode))};
}

UniqueFd try_open_at(const UniqueFd& directory, const char* name, int flags) {
    return UniqueFd{
        SYS_FAIL_POINT("sys.open_at", ::openat(directory.get(), name, flags | O_CLOEXEC))};
}

UniqueFd open(const std::string& path, int flags, mode_t mode) {
    auto file = try_open(path, flags, mode);
    if (!file) fail("open " + path);
    return file;
}

std::optional<std::string> try_read_file(const std::string& path) {
    const auto file = try_open(path, O_RDONLY);
    if (!file) return std::nullopt;
    std::string text;
    char chunk[16384];
    for (;;) {
        const auto length = SYS_FAIL_POINT("sys.read", ::read(file.get(), chunk, sizeof chunk));
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) return std::nullopt;
        if (length == 0) return text;
        text.append(chunk, static_cast<std::size_t>(length));
    }
}

std::string read_file(const std::string& path) {
    auto text = try_read_file(path);
    if (!text) fail("read " + path);
    return *std::move(text);
}

int try_write_file(const std::string& path, std::string_view text) {
    const auto file = try_open(path, O_WRONLY);
    if (!file) return errno;
    return outcome_of(SYS_FAIL_POINT("sys.write", ::write(file.get(), text.data(), text.size())),
                      text);
}

void write_file(const std::string& path, std::string_view text) {
    const int error = try_write_file(path, text);
    if (error != 0) fail("write " + path, error);
}

void replace_file(const std::string& path, std::string_view text) {
    const auto half = path + ".new";
    const auto file = open(half, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while (!text.empty()) {
        const auto written =
            SYS_FAIL_POINT("sys.replace_write", ::write(file.get(), text.data(), text.size()));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write " + half);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (SYS_FAIL_POINT("sys.replace_fsync", ::fsync(file.get())) != 0) fail("fsync " + half);
    if (SYS_FAIL_POINT("sys.replace_rename", ::rename(half.c_str(), path.c_str())) != 0)
        fail("rename " + half + " to " + path);
}

std::string read_at_start(const UniqueFd& file) {
    char text[4096];
    const auto length = SYS_FAIL_POINT("sys.pread", ::pread(file.get(), text, sizeof text, 0));
    return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string{};
}

int write_at_start(const UniqueFd& file, std::string_view text) {
    return outcome_of(
        SYS_FAIL_POINT("sys.pwrite", ::pwrite(file.get(), text.data(), text.size(), 0)), text);
}

void make_directories(const std::string& path) {
    for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const auto prefix = path.substr(0, slash);
        if (SYS_FAIL_POINT("sys.mkdir", ::mkdir(prefix.c_str(), 0755)) != 0 && errno != EEXIST)
            fail("mkdir " + prefix);
        if (slash == std::string::npos) return;
    }
}

}  // namespace sys
