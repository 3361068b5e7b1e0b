// The one place that talks to libarchive: an archive as a sequence of entries, read under limits.
//
// Every byte is read through callbacks of ours, which stop when time is over or somebody asked to;
// every unpacked byte is reported to the budget before it is handed on. Names are bytes, taken as
// UTF-8 whatever the locale of the process. A reader owns libarchive's state, not the descriptor.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/sys/fd.h"
#include "packages/archive.h"
#include "packages/archive_path.h"

namespace packages {

// What reading one archive has taken so far, against what it may take.
class Budget {
public:
    Budget(const ArchiveLimits& limits, const Subject& subject, std::stop_token stop)
        : limits_(limits),
          subject_(subject),
          stop_(std::move(stop)),
          deadline_(std::chrono::steady_clock::now() + limits.time) {}

    void count_entries(std::uint64_t all);             // so far
    void count_bytes(std::uint64_t more);              // unpacked
    void packed(std::uint64_t all) { packed_ = all; }  // read so far, or the size of the file

    bool over() const { return stop_.stop_requested() || Clock::now() > deadline_; }
    // Throws if over(): Error{busy} if stopped, Error{invalid} if out of time.
    void check() const;

    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t entries() const { return entries_; }

private:
    using Clock = std::chrono::steady_clock;

    const ArchiveLimits& limits_;
    const Subject& subject_;
    std::stop_token stop_;
    Clock::time_point deadline_;
    std::uint64_t bytes_ = 0, entries_ = 0, packed_ = 0;
};

// One entry's header, as the archive has it: nothing in it has been checked.
struct ArchiveEntry {
    enum class Type { file, directory, symbolic_link, hard_link, other };

    Type type = Type::file;
    std::string name;
    std::string link;  // the target of a link
    unsigned mode = 0;
    std::int64_t modified = 0;          // seconds since the epoch
    std::optional<std::uint64_t> size;  // of a file, holes included; a zip may not say
};

// A piece of a file's content and where it belongs.
struct ArchiveBlock {
    std::string_view bytes;  // valid until the next call
    std::uint64_t offset = 0;
};

class ArchiveReader {
public:
    enum class Formats { any, zip };

    // Opens a regular file or a pipe; the arguments outlive the reader.
    ArchiveReader(const sys::UniqueFd& file, Formats formats, Budget& budget,
                  const Subject& subject);
    // Opens a tar that is the entry `outer` stands at.
    ArchiveReader(ArchiveReader& outer, Budget& budget, const Subject& subject);
    ArchiveReader(const ArchiveReader&) = delete;
    ArchiveReader& operator=(const ArchiveReader&) = delete;
    ~ArchiveReader();

    // The next header; false at the end. What was not read of the entry before is passed over.
    bool next(ArchiveEntry& entry);
    // The next piece of the entry's content; false at its end.
    bool read(ArchiveBlock& block);

    // After next(): this is an ar, Debian's outer format.
    bool is_ar() const;

    struct Source;
    struct State;

private:
    void open(Formats formats, bool seekable);
    [[noreturn]] void refuse() const;

    Budget& budget_;
    const Subject& subject_;
    std::unique_ptr<State> state_;
};

}  // namespace packages
