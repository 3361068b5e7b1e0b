#include "packages/tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "packages/digest.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> entries_of(const std::string& path) {
    std::vector<fs::path> entries;
    for (const auto& entry : fs::recursive_directory_iterator{path})
        entries.push_back(entry.path());
    std::ranges::sort(entries);
    return entries;
}

std::string content_digest(const fs::path& path) {
    const auto file = sys::open(path.string(), O_RDONLY | O_NOFOLLOW);
    return to_string(digest_of_file(file, Digest::Algorithm::sha256));
}

// One line an entry; NUL cannot be in a path and ends what could be anything.
std::string line_of(const fs::path& path, const std::string& root, const struct stat& status) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777U);
    auto line = path.string().substr(root.size()) + '\0' + mode;
    if (S_ISLNK(status.st_mode)) return line + " link " + fs::read_symlink(path).string() + '\0';
    if (S_ISDIR(status.st_mode)) return line + " directory" + '\0';
    if (S_ISREG(status.st_mode)) return line + " file " + content_digest(path) + '\0';
    throw sys::Error(sys::Kind::broken,
                     path.string() + " is neither a file, a link nor a directory");
}

}  // namespace

TreeFacts describe_tree(const std::string& path) try {
    TreeFacts facts;
    Hasher hasher(Digest::Algorithm::sha256);
    for (const auto& entry : entries_of(path)) {
        struct stat status {};
        if (SYS_FAIL_POINT("tree.look", ::lstat(entry.c_str(), &status)) != 0)
            sys::fail("lstat " + entry.string());
        hasher.update(line_of(entry, path, status));
        ++facts.entries;
        if (S_ISREG(status.st_mode)) facts.bytes += static_cast<std::uint64_t>(status.st_size);
    }
    facts.digest = to_string(hasher.finish());
    return facts;
} catch (const fs::filesystem_error& error) {
    throw sys::Error(sys::Kind::broken, error.what());
}

void remove_tree(const std::string& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (!error) return;
    // A directory without write permission keeps what is in it, even from its owner.
    for (auto at =
             fs::recursive_directory_iterator{path, fs::directory_options::skip_permission_denied,
                                              error};
         at != fs::recursive_directory_iterator{}; at.increment(error)) {
        if (at->is_directory() && !at->is_symlink())
            fs::permissions(at->path(), fs::perms::owner_all, fs::perm_options::add, error);
    }
    fs::remove_all(path, error);
    if (error) throw sys::Error(sys::Kind::broken, "remove " + path + ": " + error.message());
}

}  // namespace packages
