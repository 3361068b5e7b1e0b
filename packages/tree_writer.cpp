#include "packages/tree_writer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"

namespace packages {

namespace {

constexpr mode_t directory_mode = 0755;

// Raw, because glibc 2.36 has no wrapper for openat2.
sys::UniqueFd open_beneath(const sys::UniqueFd& directory, const std::string& path) {
    struct open_how how = {};
    how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    // The kernel may ask to look again when something was renamed meanwhile.
    for (int tries = 0;; ++tries) {
        const auto fd = ::syscall(SYS_openat2, directory.get(), path.empty() ? "." : path.c_str(),
                                  &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || tries > 100)
            return sys::UniqueFd{static_cast<int>(fd)};
    }
}

}  // namespace

void TreeWriter::make_directory(const TreePath& path) {
    open_directory(path);
}

// The writer's own descriptor: valid until the next call.
const sys::UniqueFd& TreeWriter::open_directory(const TreePath& path) {
    if (last_ && last_path_ == path) return last_;
    auto opened = open_beneath(root_, path);
    if (!opened && errno == ENOENT) opened = make_path(path);
    if (!opened) {
        if (errno == ELOOP) subject_.refuse("leads through a symbolic link");
        if (errno == ENOTDIR) subject_.refuse("leads through something that is no directory");
        sys::fail(subject_.archive + ": open the directory " + path);
    }
    last_ = std::move(opened);
    last_path_ = path;
    return last_;
}

// One component after the other; empty with errno if one is something else than a directory.
sys::UniqueFd TreeWriter::make_path(const TreePath& path) {
    auto current = open_beneath(root_, "");
    for (std::size_t start = 0; current && start <= path.size();) {
        const auto end = std::min(path.find('/', start), path.size());
        const auto name = path.substr(start, end - start);
        if (SYS_FAIL_POINT("tree.make_directory",
                           ::mkdirat(current.get(), name.c_str(), directory_mode)) == 0) {
            ++made_;
            current = open_beneath(current, name);
            // The umask took bits away that everybody needs.
            if (current && ::fchmod(current.get(), directory_mode) != 0)
                sys::fail(subject_.archive + ": set the mode of " + path);
        } else if (errno == EEXIST) {
            current = open_beneath(current, name);
        } else {
            sys::fail(subject_.archive + ": make the directory " + path);
        }
        start = end + 1;
    }
    return current;
}

// Makes something where there is nothing, or nothing any more.
template <typename Make>
auto TreeWriter::make_new(const TreePath& path, Make make) {
    const auto [parent, name] = split_path(path);
    const auto& directory = open_directory(parent);
    auto result = make(directory, name.c_str());
    if (result < 0 && errno == EEXIST) {
        clear_place(directory, name);
        result = make(directory, name.c_str());
    }
    if (result < 0) sys::fail(subject_.archive + ": make " + path);
    ++made_;
    return result;
}

void TreeWriter::clear_place(const sys::UniqueFd& directory, const std::string& name) {
    if (::unlinkat(directory.get(), name.c_str(), 0) == 0) return;
    if (errno == EISDIR || errno == EPERM) subject_.refuse("would replace a directory");
    sys::fail(subject_.archive + ": replace " + name);
}

sys::UniqueFd TreeWriter::create_file(const TreePath& path) {
    return sys::UniqueFd{make_new(path, [](const sys::UniqueFd& directory, const char* name) {
        return SYS_FAIL_POINT("tree.create_file",
                              ::openat(directory.get(), name,
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    })};
}

void TreeWriter::make_symbolic_link(const TreePath& path, const std::string& target) {
    make_new(path, [&](const sys::UniqueFd& directory, const char* name) {
        return SYS_FAIL_POINT("tree.make_link", ::symlinkat(target.c_str(), directory.get(), name));
    });
}

void TreeWriter::make_hard_link(const TreePath& path, const TreePath& existing) {
    if (path == existing) subject_.refuse("is a link to itself");
    const auto [parent, existing_name] = split_path(existing);
    const auto source = open_beneath(root_, parent);
    struct stat status = {};
    if (!source ||
        ::fstatat(source.get(), existing_name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
        subject_.refuse("is a hard link to no file that came before it in the archive");
    }
    make_new(path, [&, &name_of_source = existing_name](const sys::UniqueFd& directory,
                                                        const char* name) {
        return ::linkat(source.get(), name_of_source.c_str(), directory.get(), name, 0);
    });
}

}  // namespace packages
