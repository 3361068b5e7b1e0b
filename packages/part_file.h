// A download in progress: "<target>.part", and "<target>.part.from" with the address and the
// validator of what is in it. Owns the open file and a lock on it; what is left when this is
// destroyed unpublished stays for the next try, unless it is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "isolate/sys/fd.h"
#include "packages/digest.h"

namespace packages {

class PartFile {
public:
    // Opens or makes the file. Throws sys::Error{busy} if somebody else has it.
    PartFile(std::string target, const std::string& url);
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;
    ~PartFile();

    std::uint64_t size() const { return size_; }
    const std::string& validator() const { return validator_; }

    // These two may be called from C code: they do not throw. False and errno on failure.
    bool note_validator(const std::string& validator);
    bool append(std::string_view bytes);

    // Throws away what is there. False and errno on failure.
    bool empty();

    // To hash what was written, through the descriptor it was written by.
    const sys::UniqueFd& file() const { return file_; }

    void publish();  // makes the file durable and gives it its name
    void discard();  // removes it
    // Whether to do so when this is destroyed unpublished.
    void keep_nothing(bool nothing) { keep_nothing_ = nothing; }

private:
    std::string target_, url_, path_, note_path_;
    sys::UniqueFd file_;
    std::uint64_t size_ = 0;
    std::string validator_;
    bool finished_ = false, keep_nothing_ = false;
};

}  // namespace packages
