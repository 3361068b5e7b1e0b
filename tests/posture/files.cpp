// Every file that can be reached, by walking from the root: nothing is looked up by a name that
// somebody thought of.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/posture/say.h"

namespace posture {

namespace {

bool is_number(const std::string& name) {
    return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

// Sorted; empty and false if it cannot be listed.
bool list(const std::string& path, std::vector<std::string>& names) {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return false;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") names.push_back(name);
    }
    ::closedir(directory);
    std::sort(names.begin(), names.end());
    return true;
}

std::string join(const std::string& directory, const std::string& name) {
    return directory == "/" ? "/" + name : directory + "/" + name;
}

std::string octal(mode_t mode) {
    std::string digits;
    for (int shift = 9; shift >= 0; shift -= 3)
        digits += static_cast<char>('0' + ((mode >> shift) & 7U));
    return digits;
}

// A program that would run with rights its caller lacks, were the mount not to forbid it.
void tell_privileged(const std::string& path, const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return;
    const bool set_id = (status.st_mode & (S_ISUID | S_ISGID)) != 0;
    // What nobody may execute gives nothing away; each question is a message where files come from
    // another machine.
    const bool executable = (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
    const bool capable =
        executable && ::lgetxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
    if (!set_id && !capable) return;
    struct statvfs place {};
    const bool inert = ::statvfs(path.c_str(), &place) == 0 && (place.f_flag & ST_NOSUID) != 0;
    say((set_id ? "set_id." : "capable.") + path, inert ? "without effect" : "takes effect");
}

void tell_special(const std::string& path, const struct stat& status) {
    const auto mode = status.st_mode;
    const auto numbers = std::to_string(::major(status.st_rdev)) + ":" +
                         std::to_string(::minor(status.st_rdev)) + " " + octal(mode);
    if (S_ISCHR(mode)) say("device." + path, "character " + numbers);
    if (S_ISBLK(mode)) say("device." + path, "block " + numbers);
    if (S_ISFIFO(mode)) say("special." + path, "pipe");
    if (S_ISSOCK(mode)) say("special." + path, "socket");
}

void tell_writable(const std::string& path, const struct stat& status) {
    if (S_ISLNK(status.st_mode)) return;
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0) return;
    say("writable." + path, S_ISDIR(status.st_mode) ? "directory" : "file");
}

// What may be done with a file of /proc or /sys: by trying it in a box, by asking outside.
std::string use_of(const std::string& path, Place place) {
    const auto may = [&](int flags, int mode) {
        if (place == Place::outside)
            return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
        const int fd = ::open(path.c_str(), flags | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) return false;
        char byte = 0;
        const bool done = flags == O_WRONLY || ::read(fd, &byte, 1) >= 0;
        ::close(fd);
        return done;
    };
    const std::string reads = may(O_RDONLY, R_OK) ? "reads" : "";
    const std::string writes = may(O_WRONLY, W_OK) ? "writes" : "";
    return reads.empty() || writes.empty() ? reads + writes : reads + " and " + writes;
}

constexpr int all_levels = 100;

// Depth first. Processes are left to the caller: what their directories give, they give to all.
void walk_kernel(const std::string& directory, Place place, int levels) {
    std::vector<std::string> names;
    if (!list(directory, names)) return say("closed." + directory, name_of_error(errno));
    for (const auto& name : names) {
        const auto path = join(directory, name);
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0 || S_ISLNK(status.st_mode)) continue;
        if (directory == "/proc" && is_number(name)) continue;
        if (S_ISDIR(status.st_mode)) {
            if (levels > 0) walk_kernel(path, place, levels - 1);
            continue;
        }
        tell_special(path, status);
        const auto use = use_of(path, place);
        if (!use.empty()) say("kernel." + path, use);
    }
}

void walk(const std::string& directory, int levels) {
    std::vector<std::string> names;
    if (!list(directory, names)) return say("closed." + directory, name_of_error(errno));
    for (const auto& name : names) {
        const auto path = join(directory, name);
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) {
            say("closed." + path, name_of_error(errno));
            continue;
        }
        tell_special(path, status);
        tell_privileged(path, status);
        tell_writable(path, status);
        const bool is_kernels = path == "/proc" || path == "/sys";
        if (S_ISDIR(status.st_mode) && !is_kernels && levels > 0) walk(path, levels - 1);
    }
}

}  // namespace

void tell_files(Place place) {
    const int levels = place == Place::box ? all_levels : 0;
    std::vector<std::string> names;
    list("/", names);
    for (const auto& name : names) {
        struct stat status {};
        if (::lstat(("/" + name).c_str(), &status) != 0) continue;
        const bool link = S_ISLNK(status.st_mode);
        say("root./" + name, std::string{link ? "link " : "directory "} + octal(status.st_mode));
    }
    struct stat root {};
    if (::stat("/", &root) == 0) tell_writable("/", root);
    walk("/", levels);
    walk_kernel("/proc", place, levels);
    walk_kernel("/proc/self/net", place, levels);
    if (::access("/sys", F_OK) == 0)
        walk_kernel("/sys", place, levels);
    else
        say("kernel./sys", name_of_error(errno));
}

}  // namespace posture
