// Unpacks archives from elsewhere into a directory, and nowhere else.
//
// What the archive says is not believed: a name that leaves the directory, a link that does, a
// device, a set-id bit or more of anything than the limits allow refuses the archive as a whole.
// Files that were written before that are left to the caller, who unpacks into a staging directory
// and throws it away. No path is followed through a symbolic link (tree_writer.h); owners, access
// lists and attributes are never restored; files become 0644 or 0755, directories 0755.
//
// Read are tar (plain, gzip, xz, zstd, bzip2), zip and Debian's .deb. Nothing outside this process
// is started for it. An uncompressed tar that was cut off between two entries looks whole; that is
// what digests are for.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "isolate/sys/fd.h"
#include "packages/digest.h"

namespace packages {

// How an archive's names become paths beneath the directory.
struct Unpacking {
    std::string name = "the archive";  // what errors call it
    std::string into;  // directory beneath the root, made if missing; empty: the root
    int strip = 0;     // leading components to drop; entries that have no more are passed over
    // bin, sbin, lib, lib32, lib64 and libx32 at the top go under usr, as in Debian since 12.
    bool merged_usr = false;
    // Symbolic links may be absolute: they are meant for the directory as a root of its own.
    bool absolute_links = false;
    bool drop_set_id = false;  // forget set-id bits instead of refusing the archive
    // Make ELF files and scripts with a "#!" executable, whatever the archive says: zips made by
    // Go and some wheels have no modes.
    bool detect_programs = false;
    std::vector<std::string>
        remove;  // paths beneath the root that are not kept, nor what is in them
};

// What an archive may take, everything that is passed over included.
struct ArchiveLimits {
    std::uint64_t bytes = 8ULL << 30;   // of all files together, holes included
    std::uint64_t entries = 1'000'000;  // directories made on the way included
    std::uint64_t ratio = 250;          // unpacked to packed bytes; the first 16 MiB are free
    int depth = 64;                     // components of a path
    std::size_t name_length = 1024;     // bytes of a path
    std::size_t link_length = 1024;     // bytes of a link's target
    std::chrono::seconds time{600};
};

struct Unpacked {
    std::uint64_t bytes = 0;    // as counted against the limit
    std::uint64_t entries = 0;  // likewise

    bool operator==(const Unpacked&) const = default;
};

// Unpacks an open regular file, from its first byte (the offset is neither used nor moved), or a
// pipe with a tar. Throws sys::Error: invalid with the archive, the entry and the reason; busy if
// stopped; broken if the machine would not (disk full).
Unpacked unpack(const sys::UniqueFd& archive, const sys::UniqueFd& root, const Unpacking& how,
                const ArchiveLimits& limits, std::stop_token stop);

// The same of a file by its path, which also becomes its name in errors.
Unpacked unpack(const std::string& archive, const sys::UniqueFd& root, Unpacking how,
                const ArchiveLimits& limits, std::stop_token stop);

// Go's digest of a module's zip ("h1:", dirhash): SHA-256 over a line for each file, sorted by
// name. Only zips of regular files and directories have one. Throws as unpack does.
Digest go_hash(const sys::UniqueFd& zip, const ArchiveLimits& limits, std::stop_token stop);

}  // namespace packages
