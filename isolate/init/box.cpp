#include "isolate/init/box.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "isolate/init/plan.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

constexpr std::size_t max_name = 4096;

sys::UniqueFd open_directory(const char* path) {
    return sys::UniqueFd{::open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

// Creates a new file beneath a directory; no link is followed, nothing above is reached (man 2
// openat2).
sys::UniqueFd create_beneath(const sys::UniqueFd& directory, const char* name, unsigned mode) {
    open_how how{};
    how.flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    how.mode = mode;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return sys::UniqueFd{static_cast<int>(SYS_FAIL_POINT(
        "spawner.create_file", ::syscall(SYS_openat2, directory.get(), name, &how, sizeof how)))};
}

// A directory that is there, in the same manner.
sys::UniqueFd open_beneath(const sys::UniqueFd& directory, const char* name) {
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    return sys::UniqueFd{
        static_cast<int>(::syscall(SYS_openat2, directory.get(), name, &how, sizeof how))};
}

bool write_all(const sys::UniqueFd& file, std::span<const std::byte> content) {
    while (!content.empty()) {
        const auto written = SYS_FAIL_POINT("spawner.write_file",
                                            ::write(file.get(), content.data(), content.size()));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        content = content.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

// mkdir -p of everything before the last slash. The directories are new and nobody else runs yet;
// that no component leads elsewhere is checked again by the open that follows.
bool make_parents(const sys::UniqueFd& directory, char* name) {
    for (char* slash = std::strchr(name, '/'); slash; slash = std::strchr(slash + 1, '/')) {
        *slash = '\0';
        const bool made = ::mkdirat(directory.get(), name, 0755) == 0 || errno == EEXIST;
        *slash = '/';
        if (!made) return false;
    }
    return true;
}

}  // namespace

// Keeps the first failure; true while there is none.
bool InnerBox::made(long result, Step step) {
    if (result < 0 && fault_.step == Step::none) fault_ = {step, errno};
    return fault_.step == Step::none;
}

void InnerBox::open(const OpenBox& order) {
    if (open_) {
        fault_ = {Step::open_box, EBUSY};
        return;
    }
    fault_ = {};
    has_links_ = false;
    uid_ = order.uid;
    char options[128];
    std::snprintf(options, sizeof options, "size=%llu,nr_inodes=%u,mode=0755",
                  static_cast<unsigned long long>(order.bytes), order.entries);
    if (!made(SYS_FAIL_POINT("spawner.mount_box",
                             ::mount("box", path::box, "tmpfs", MS_NOSUID | MS_NODEV, options)),
              Step::open_box)) {
        return;
    }
    open_ = true;
    home_ = open_directory(path::box);
    made(SYS_FAIL_POINT("spawner.make_home", ::mkdirat(home_.get(), "submission", 0700)),
         Step::make_directory);
    made(SYS_FAIL_POINT("spawner.own_home",
                        ::fchownat(home_.get(), "submission", uid_, uid_, AT_SYMLINK_NOFOLLOW)),
         Step::make_directory);
    submission_.reset(SYS_FAIL_POINT(
        "spawner.open_home",
        ::openat(home_.get(), "submission", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)));
    made(submission_.get(), Step::make_directory);
    for (const char* shared : {path::box_tmp, path::box_shm}) {
        // 01777 needs the chmod: the umask of a process must not decide it.
        made(SYS_FAIL_POINT("spawner.make_shared", ::mkdir(shared, 01777)), Step::make_directory);
        made(::chmod(shared, 01777), Step::make_directory);
    }
}

void InnerBox::place(const PlaceFile& order, std::span<const std::byte> payload) {
    if (!open_ || fault_.step != Step::none) return;
    char name[max_name];
    if (order.place >= Place::count || order.name_bytes == 0 || order.name_bytes >= max_name ||
        order.name_bytes > payload.size()) {
        fault_ = {Step::check_message, EINVAL};
        return;
    }
    std::memcpy(name, payload.data(), order.name_bytes);
    name[order.name_bytes] = '\0';
    const auto content = payload.subspan(order.name_bytes);
    if (order.place != Place::script) {
        write_submission(order.place, name, content);
        return;
    }
    const auto file = create_beneath(home_, name, 0755);
    if (made(file.get(), Step::write_file))
        made(write_all(file, content) ? 0 : -1, Step::write_file);
}

long InnerBox::write_file(Place place, const char* name, std::span<const std::byte> content) {
    const auto file = create_beneath(submission_, name, place == Place::program ? 0755 : 0644);
    return file && write_all(file, content) ? 0 : -1;
}

// The directory it stands in has to be there, and is not reached through a link either.
long InnerBox::write_link(char* name, std::span<const std::byte> target) {
    char text[max_name];
    if (target.empty() || target.size() >= sizeof text) {
        errno = ENAMETOOLONG;
        return -1;
    }
    std::memcpy(text, target.data(), target.size());
    text[target.size()] = '\0';
    has_links_ = true;
    char* const slash = std::strrchr(name, '/');
    if (!slash) return ::symlinkat(text, submission_.get(), name);
    *slash = '\0';
    const auto parent = open_beneath(submission_, name);
    return parent ? ::symlinkat(text, parent.get(), slash + 1) : -1;
}

void InnerBox::write_submission(Place place, char* name, std::span<const std::byte> content) {
    // As the job's user, so that the kernel refuses what the job could not do itself. Dropping the
    // file-system uid also drops the capabilities that override permissions (man 7 capabilities).
    ::setfsgid(uid_);
    ::setfsuid(uid_);
    const bool has_parents = has_links_ || place == Place::link ||
                             made(make_parents(submission_, name) ? 0 : -1, Step::make_directory);
    if (has_parents && place == Place::directory) {
        if (has_links_) errno = EINVAL;
        const bool is_there =
            !has_links_ && (::mkdirat(submission_.get(), name, 0755) == 0 || errno == EEXIST);
        made(is_there ? 0 : -1, Step::make_directory);
    } else if (has_parents) {
        made(place == Place::link ? write_link(name, content) : write_file(place, name, content),
             Step::write_file);
    }
    ::setfsuid(0);
    ::setfsgid(0);
}

int InnerBox::close() {
    submission_.reset();
    home_.reset();
    fault_ = {};
    if (std::exchange(open_, false) &&
        SYS_FAIL_POINT("spawner.unmount_box", ::umount2(path::box, MNT_DETACH)) != 0)
        return errno;
    struct stat root {};
    struct stat place {};
    if (SYS_FAIL_POINT("spawner.look_at_box", ::stat("/", &root)) != 0 ||
        ::stat(path::box, &place) != 0)
        return errno;
    return root.st_dev == place.st_dev ? 0 : EBUSY;
}

}  // namespace isolate
