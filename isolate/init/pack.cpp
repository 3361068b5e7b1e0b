// Runs as any program of a job does: its user, its box, its filter. Whatever the job has planted
// can therefore lead it nowhere where the job could not have gone; and it is led nowhere, for no
// link is followed and nothing is opened that could block.
#include "isolate/init/pack.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "isolate/protocol.h"
#include "isolate/sys/fd.h"

namespace isolate {

namespace {

constexpr std::size_t chunk_bytes = 65536;

char path[max_entry_name + 1];  // of the entry that is being written, from the directory on
char chunk[chunk_bytes];

bool complain(const char* what) {
    char line[max_entry_name + 256];
    const int length = std::snprintf(line, sizeof line, "%s: %s\n", path, what);
    // Whoever reads it learns from the exit code as well.
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
    return false;
}

bool write_all(const void* data, std::size_t size) {
    const auto* at = static_cast<const char*>(data);
    while (size > 0) {
        const auto written = ::write(STDOUT_FILENO, at, size);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return complain("cannot be written down");
        at += written;
        size -= static_cast<std::size_t>(written);
    }
    return true;
}

bool write_head(EntryKind kind, const struct stat& status, std::uint64_t content_bytes) {
    constexpr std::uint64_t nanoseconds = 1'000'000'000;
    const auto& time = status.st_mtim;
    const EntryHead head{.kind = kind,
                         .name_bytes = static_cast<std::uint32_t>(std::strlen(path)),
                         .content_bytes = content_bytes,
                         .written = static_cast<std::uint64_t>(time.tv_sec) * nanoseconds +
                                    static_cast<std::uint64_t>(time.tv_nsec)};
    return write_all(&head, sizeof head) && write_all(path, head.name_bytes);
}

sys::UniqueFd open_entry(int directory, const char* name, int flags) {
    flags |= O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    sys::UniqueFd fd{::openat(directory, name, flags)};
    if (fd || errno != EACCES) return fd;
    // The job took the right to read from itself. It could give it back, and so do we.
    const mode_t mode = (flags & O_DIRECTORY) != 0 ? 0700 : 0600;
    if (::fchmodat(directory, name, mode, 0) != 0) return fd;
    fd.reset(::openat(directory, name, flags));
    return fd;
}

bool write_file(int directory, const char* name, const struct stat& found) {
    const auto file = open_entry(directory, name, 0);
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return complain(std::strerror(errno));
    const bool runs = (found.st_mode & S_IXUSR) != 0;
    auto left = static_cast<std::uint64_t>(status.st_size);
    if (!write_head(runs ? EntryKind::program : EntryKind::file, status, left)) return false;
    while (left > 0) {
        const auto length = ::read(file.get(), chunk, left < chunk_bytes ? left : chunk_bytes);
        if (length < 0 && errno == EINTR) continue;
        if (length <= 0) return complain("cannot be read");
        if (!write_all(chunk, static_cast<std::size_t>(length))) return false;
        left -= static_cast<std::uint64_t>(length);
    }
    return true;
}

bool write_link(int directory, const char* name, const struct stat& status) {
    const auto length = ::readlinkat(directory, name, chunk, chunk_bytes);
    if (length <= 0) return complain(std::strerror(errno));
    return write_head(EntryKind::link, status, static_cast<std::uint64_t>(length)) &&
           write_all(chunk, static_cast<std::size_t>(length));
}

bool write_directory(sys::UniqueFd directory, std::size_t path_length, std::uint32_t depth);

// Sockets and pipes of processes that are gone are left out.
bool write_entry(int directory, const char* name, std::size_t path_length, std::uint32_t depth) {
    struct stat status {};
    if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return complain(std::strerror(errno));
    if (S_ISREG(status.st_mode)) return write_file(directory, name, status);
    if (S_ISLNK(status.st_mode)) return write_link(directory, name, status);
    if (!S_ISDIR(status.st_mode)) return true;
    if (depth == max_tree_depth) return complain("too deep");
    auto inner = open_entry(directory, name, O_DIRECTORY);
    if (!inner) return complain(std::strerror(errno));
    return write_head(EntryKind::directory, status, 0) &&
           write_directory(std::move(inner), path_length, depth + 1);
}

bool write_directory(sys::UniqueFd directory, std::size_t path_length, std::uint32_t depth) {
    const int fd = directory.release();
    DIR* const stream = ::fdopendir(fd);
    if (!stream) {
        ::close(fd);
        return complain(std::strerror(errno));
    }
    bool good = true;
    while (good) {
        const auto* const entry = ::readdir(stream);
        if (!entry) break;
        const char* const name = entry->d_name;
        if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
        const auto separator = path_length > 0 ? 1U : 0U;
        const auto length = path_length + separator + std::strlen(name);
        if (length > max_entry_name) {
            good = complain("a name in it is too long");
            break;
        }
        if (separator) path[path_length] = '/';
        std::memcpy(path + path_length + separator, name, std::strlen(name) + 1);
        good = write_entry(fd, name, length, depth);
        path[path_length] = '\0';
    }
    ::closedir(stream);
    return good;
}

}  // namespace

int pack() {
    sys::UniqueFd here{::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!here && errno == EACCES && ::chmod(".", 0700) == 0)
        here.reset(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!here) return 1;
    if (!write_directory(std::move(here), 0, 1)) return 1;
    const EntryHead last{
        .kind = EntryKind::file, .name_bytes = 0, .content_bytes = 0, .written = 0};
    return write_all(&last, sizeof last) ? 0 : 1;
}

}  // namespace isolate
