// Archives as a test wants them, honest or not: tar and ar byte by byte, zip and compression by
// libarchive's writer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace support {

struct ArchiveMember {
    std::string name;
    std::string content = {};
    char type = '0';  // of tar: 0 file, 1 hard link, 2 symbolic link, 3 device, 5 directory, 6 fifo
    std::string link = {};
    unsigned mode = 0644;
    std::optional<std::uint64_t> claimed_size = {};  // instead of that of the content
};

std::string make_tar(const std::vector<ArchiveMember>& members);
std::string make_zip(const std::vector<ArchiveMember>& members);
std::string make_ar(const std::vector<ArchiveMember>& members);

// A .deb around a data.tar, which is named as its compression says.
std::string make_deb(const std::string& data, const std::string& data_name = "data.tar");

// Compressed by "gzip", "xz", "zstd" or "bzip2".
std::string compress(const std::string& bytes, const std::string& method);

// The records of a pax header: "<length> <key>=<value>\n" each.
std::string pax_record(const std::string& key, const std::string& value);

}  // namespace support
