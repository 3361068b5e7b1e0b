// Files that are not everybody's: written whole as replace_file() does it, with an owner and a
// mode.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace sys {

// Whose a file is, and who may do what with it.
struct Ownership {
    uid_t owner = 0;
    gid_t group = 0;
    mode_t mode = 0;

    bool operator==(const Ownership&) const = default;
};

// A whole new file, or nothing: written as "<path>.new", made durable, renamed. At no moment can
// others read it. Throws Error{broken} with the path and the reason.
void replace_owned_file(const std::string& path, std::string_view text, const Ownership& ownership);

}  // namespace sys
