#include "isolate/sys/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "isolate/sys/error.h"

namespace sys {

UniqueFd try_open(const std::string& path, int flags, mode_t mode) {
    return UniqueFd{::open(path.c_str(), flags | O_CLOEXEC, mode)};
}

UniqueFd try_open_at(const UniqueFd& directory, const char* name, int flags) {
    return UniqueFd{::openat(directory.get(), name, flags | O_CLOEXEC)};
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
        const auto length = ::read(file.get(), chunk, sizeof chunk);
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
    return ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size())
               ? 0
               : errno;
}

void write_file(const std::string& path, std::string_view text) {
    const int error = try_write_file(path, text);
    if (error != 0) fail("write " + path, error);
}

void replace_file(const std::string& path, std::string_view text) {
    const auto half = path + ".new";
    const auto file = open(half, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while (!text.empty()) {
        const auto written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write " + half);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) fail("fsync " + half);
    if (::rename(half.c_str(), path.c_str()) != 0) fail("rename " + half + " to " + path);
}

std::string read_at_start(const UniqueFd& file) {
    char text[4096];
    const auto length = ::pread(file.get(), text, sizeof text, 0);
    return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string{};
}

int write_at_start(const UniqueFd& file, std::string_view text) {
    return ::pwrite(file.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())
               ? 0
               : errno;
}

void make_directories(const std::string& path) {
    for (auto slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
        const auto prefix = path.substr(0, slash);
        if (::mkdir(prefix.c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir " + prefix);
        if (slash == std::string::npos) return;
    }
}

}  // namespace sys
