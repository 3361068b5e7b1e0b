// The file of the audit log: lines go to its end, one write each, and nothing is buffered here.
#pragma once

#include <string>
#include <string_view>

#include "isolate/sys/fd.h"

namespace audit {

// For root, before the server becomes its user: makes the file, which is that user's, unless it is
// there already; then it is as somebody wants it. Throws sys::Error{broken}.
void make_file_for(uid_t owner, gid_t group, const std::string& path);

class File {
public:
    // Opens the file, or makes it. What an earlier process left half written is ended, so that it
    // stays one bad line. Throws sys::Error{broken} if it cannot be opened, {invalid} if it is
    // nothing that lines can be appended to.
    explicit File(const std::string& path);

    // Appends what has its line end. Returns 0 or an error number; then nothing of it counts, and
    // what did get to the disk is ended by the next call.
    int append(std::string_view line);

    // Until it is on the disk. Returns 0 or an error number. May be called beside append().
    int sync() const;

private:
    sys::UniqueFd fd_;
    bool is_torn_ = false;
};

}  // namespace audit
