#include "api/audit/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"

namespace audit {

namespace {

constexpr mode_t mode = 0640;

// Not for FIFOs and terminals: those can make a job wait for a reader.
void check_kind(const struct stat& status, const std::string& path) {
    if (S_ISREG(status.st_mode) || S_ISCHR(status.st_mode)) return;
    throw sys::Error(sys::Kind::invalid, path + " (audit.file) is no file");
}

bool ends_within_a_line(const sys::UniqueFd& fd, const struct stat& status) {
    if (!S_ISREG(status.st_mode) || status.st_size == 0) return false;
    char last = '\n';
    // A file that cannot be read here cannot be trusted to end well, either.
    return ::pread(fd.get(), &last, 1, status.st_size - 1) != 1 || last != '\n';
}

}  // namespace

void make_file_for(uid_t owner, gid_t group, const std::string& path) {
    // Never through a link, and never one that is there: whoever may write to its directory would
    // otherwise choose what root gives away.
    const sys::UniqueFd made{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (!made && errno == EEXIST) return;
    if (!made) sys::fail("make " + path + " (audit.file)");
    if (::fchown(made.get(), owner, group) != 0) sys::fail("chown " + path + " (audit.file)");
}

File::File(const std::string& path)
    : fd_(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                 mode)) {
    if (!fd_) sys::fail("open " + path + " (audit.file)");
    struct stat status {};
    if (::fstat(fd_.get(), &status) != 0) sys::fail("stat " + path + " (audit.file)");
    check_kind(status, path);
    is_torn_ = ends_within_a_line(fd_, status);
    append({});
}

int File::append(std::string_view line) {
    if (is_torn_) {
        if (::write(fd_.get(), "\n", 1) != 1) return errno;
        is_torn_ = false;
    }
    if (line.empty()) return 0;
    const auto written =
        SYS_FAIL_POINT("audit.write", ::write(fd_.get(), line.data(), line.size()));
    if (written == static_cast<ssize_t>(line.size())) return 0;
    is_torn_ = written > 0;
    return written < 0 ? errno : ENOSPC;  // man 2 write: a disk that is full takes what it can
}

int File::sync() const {
    if (SYS_FAIL_POINT("audit.sync", ::fdatasync(fd_.get())) == 0) return 0;
    return errno == EINVAL ? 0 : errno;  // a device, which has no disk
}

}  // namespace audit
