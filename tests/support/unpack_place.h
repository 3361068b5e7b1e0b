// Where a test unpacks archives: a directory of its own, with a file beside it that must not
// change. Gone when it is destroyed.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/archive.h"

namespace support {

class UnpackPlace {
public:
    UnpackPlace() {
        REQUIRE(::mkdtemp(path_.data()) != nullptr);
        std::filesystem::create_directories(path_ + "/root");
        std::ofstream{path_ + "/outside"} << "untouched";
        root_ = sys::open(root_path(), O_RDONLY | O_DIRECTORY);
    }
    UnpackPlace(const UnpackPlace&) = delete;
    UnpackPlace& operator=(const UnpackPlace&) = delete;
    ~UnpackPlace() { std::filesystem::remove_all(path_); }

    std::string root_path() const { return path_ + "/root"; }
    std::string in(const std::string& path) const { return root_path() + "/" + path; }
    const sys::UniqueFd& root() const { return root_; }

    sys::UniqueFd save(const std::string& bytes) const {
        std::ofstream{path_ + "/archive"} << bytes;
        return sys::open(path_ + "/archive", O_RDONLY);
    }
    packages::Unpacked unpack(const std::string& bytes, const packages::Unpacking& how = {},
                              const packages::ArchiveLimits& limits = {}) const {
        return packages::unpack(save(bytes), root_, how, limits, {});
    }
    // The sentence of the Error{invalid} it is refused with, or "" if it is not.
    std::string refusal(const std::string& bytes, const packages::Unpacking& how = {},
                        const packages::ArchiveLimits& limits = {}) const {
        try {
            unpack(bytes, how, limits);
            return {};
        } catch (const sys::Error& error) {
            return error.kind() == sys::Kind::invalid ? error.what() : "";
        }
    }
    // Nothing but the root, the archive and the file beside them, as it was.
    bool outside_is_untouched() const {
        for (const auto& entry : std::filesystem::directory_iterator{path_}) {
            const auto name = entry.path().filename().native();
            if (name != "root" && name != "archive" && name != "outside") return false;
        }
        return sys::read_file(path_ + "/outside") == "untouched" &&
               std::filesystem::hard_link_count(path_ + "/outside") == 1;
    }

private:
    std::string path_ = "/tmp/crankcase-archive-XXXXXX";
    sys::UniqueFd root_;
};

}  // namespace support
