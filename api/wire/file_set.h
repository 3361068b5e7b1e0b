// The files of a request on their way into a job: every name normal, valid and once.
//
// Names are normalised as path.join does ("./a//b" is "a/b"), so that two spellings are one file.
// Of two files with one name the last content counts, while the place in the order stays that of
// the first code file, because the first code file of the job is its main file.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/job.h"

namespace wire {

class FileSet {
public:
    // Throws sys::Error{invalid} if the name cannot be that of a file beneath the job's directory.
    void add(engine::File file);

    // The files, in order. Throws sys::Error{invalid} if one name is both a file and a directory.
    std::vector<engine::File> take() &&;

private:
    // With '/' before every other character, what is beneath a name follows right after it.
    struct TreeOrder {
        bool operator()(std::string_view left, std::string_view right) const;
    };

    std::size_t next_place_ = 0;
    std::map<std::string, std::size_t, TreeOrder> place_by_name_;
    std::map<std::size_t, engine::File> file_by_place_;
};

// The name with "." and empty parts removed and ".." resolved as far as that stays inside.
std::string normal_file_name(std::string_view name);

}  // namespace wire
