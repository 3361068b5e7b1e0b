// Makes files, directories and links beneath one directory, and never outside of it.
//
// Every path is opened by the kernel with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS (man 2 openat2,
// Linux 5.6), so that a link that is there already, from this archive or from before, is never
// followed; the last component is made by O_EXCL or a call that does not follow links either. A
// file or link gives way to a later one of its name by unlink and create; a directory never does.
// Owns nothing but the descriptor of the directory it worked in last.
#pragma once

#include <cstdint>

#include "isolate/sys/fd.h"
#include "packages/archive_path.h"

namespace packages {

class TreeWriter {
public:
    // The directory and the subject are the caller's and outlive this; errors name the subject.
    TreeWriter(const sys::UniqueFd& root, const Subject& subject)
        : root_(root), subject_(subject) {}

    // Throw sys::Error: invalid if something is in the way, broken if the machine would not. Paths
    // are not empty, except make_directory's. Parents that are missing are made, mode 0755.
    void make_directory(const TreePath& path);
    sys::UniqueFd create_file(const TreePath& path);  // empty, 0600, for writing
    void make_symbolic_link(const TreePath& path, const std::string& target);
    // `existing` is a regular file beneath the root.
    void make_hard_link(const TreePath& path, const TreePath& existing);

    // How many directories, files and links were made.
    std::uint64_t made() const { return made_; }

private:
    const sys::UniqueFd& open_directory(const TreePath& path);  // made if it is missing
    sys::UniqueFd make_path(const TreePath& path);
    template <typename Make>
    auto make_new(const TreePath& path, Make make);
    void clear_place(const sys::UniqueFd& directory, const std::string& name);

    const sys::UniqueFd& root_;
    const Subject& subject_;
    sys::UniqueFd last_;  // the directory opened last; archives stay in one for a while
    TreePath last_path_;
    std::uint64_t made_ = 0;
};

}  // namespace packages
