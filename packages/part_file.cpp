#include "packages/part_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "packages/network.h"

namespace packages {

namespace {

constexpr mode_t part_mode = 0600;
constexpr mode_t finished_mode = 0644;

// The lock is on what the path names now: not on a file that was given its final name while we
// waited to open it.
bool lock(const sys::UniqueFd& file, const std::string& path) {
    struct stat ours = {}, named = {};
    return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::fstat(file.get(), &ours) == 0 &&
           ::lstat(path.c_str(), &named) == 0 && ours.st_ino == named.st_ino &&
           ours.st_dev == named.st_dev;
}

std::string directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

bool write_all(const sys::UniqueFd& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written =
            SYS_FAIL_POINT("download.write", ::write(file.get(), bytes.data(), bytes.size()));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

PartFile::PartFile(std::string target, const std::string& url)
    : target_(std::move(target)),
      url_(shown_url(url)),
      path_(target_ + ".part"),
      note_path_(path_ + ".from"),
      file_(sys::open(path_, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK, part_mode)) {
    if (!lock(file_, path_))
        throw sys::Error(sys::Kind::busy, target_ + " is being downloaded already");
    struct stat status = {};
    if (::fstat(file_.get(), &status) != 0) sys::fail("look at " + path_);
    if (!S_ISREG(status.st_mode)) throw sys::Error(sys::Kind::broken, path_ + " is no plain file");
    size_ = static_cast<std::uint64_t>(status.st_size);
    // Two lines. What is not about this address says nothing about these bytes.
    const auto note = sys::try_read_file(note_path_).value_or("");
    const auto first = note.substr(0, note.find('\n'));
    if (first == url_ && note.ends_with('\n') && note.size() > first.size() + 1)
        validator_ = note.substr(first.size() + 1, note.size() - first.size() - 2);
}

PartFile::~PartFile() {
    if (finished_ || (size_ > 0 && !keep_nothing_)) return;
    ::unlink(path_.c_str());
    ::unlink(note_path_.c_str());
}

bool PartFile::note_validator(const std::string& validator) {
    validator_ = validator;
    const auto note =
        sys::try_open(note_path_, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, part_mode);
    return note && write_all(note, url_ + "\n" + validator + "\n");
}

bool PartFile::append(std::string_view bytes) {
    if (!write_all(file_, bytes)) return false;
    size_ += bytes.size();
    return true;
}

bool PartFile::empty() {
    if (::ftruncate(file_.get(), 0) != 0) return false;
    size_ = 0;
    return true;
}

void PartFile::publish() {
    if (SYS_FAIL_POINT("download.set_mode", ::fchmod(file_.get(), finished_mode)) != 0 ||
        SYS_FAIL_POINT("download.fsync", ::fsync(file_.get())) != 0)
        sys::fail("make " + path_ + " durable");
    if (SYS_FAIL_POINT("download.rename", ::rename(path_.c_str(), target_.c_str())) != 0)
        sys::fail("rename " + path_);
    finished_ = true;
    ::unlink(note_path_.c_str());
    const auto directory = sys::open(directory_of(target_), O_RDONLY | O_DIRECTORY);
    if (::fsync(directory.get()) != 0) sys::fail("make the name of " + target_ + " durable");
}

void PartFile::discard() {
    finished_ = true;
    ::unlink(path_.c_str());
    ::unlink(note_path_.c_str());
}

}  // namespace packages
