#include "packages/archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "packages/archive_path.h"
#include "packages/archive_reader.h"
#include "packages/tree_writer.h"

namespace packages {

namespace {

constexpr unsigned set_id_bits = S_ISUID | S_ISGID;
constexpr unsigned any_execute_bit = S_IXUSR | S_IXGRP | S_IXOTH;
constexpr int max_ar_members = 16;  // a .deb has three

// One archive being unpacked: entry after entry, each checked, then made.
class Unpacker {
public:
    Unpacker(const sys::UniqueFd& root, const Unpacking& how, const ArchiveLimits& limits,
             std::stop_token stop)
        : how_(how),
          limits_(limits),
          subject_{how.name},
          budget_(limits_, subject_, std::move(stop)),
          writer_(root, subject_) {}

    Unpacked unpack(const sys::UniqueFd& archive);

private:
    void unpack_debian(ArchiveReader& outer, ArchiveEntry entry);
    void unpack_entries(ArchiveReader& reader, ArchiveEntry& entry);
    void make(ArchiveReader& reader, const ArchiveEntry& entry);
    void make_file(ArchiveReader& reader, const ArchiveEntry& entry, const TreePath& path);
    void make_hard_link(ArchiveReader& reader, const ArchiveEntry& entry, const TreePath& path);
    template <typename Use>
    std::uint64_t read_content(ArchiveReader& reader, const ArchiveEntry& entry, Use use);
    void pass_over(ArchiveReader& reader, const ArchiveEntry& entry);
    void count_entry();

    const Unpacking& how_;
    const ArchiveLimits& limits_;
    Subject subject_;
    Budget budget_;
    TreeWriter writer_;
    std::uint64_t seen_ = 0;  // entries of the archive
};

// Whatever costs something counts: an entry that makes nothing, a directory nobody listed.
void Unpacker::count_entry() {
    budget_.count_entries(std::max(seen_, writer_.made()));
}

// Gives every piece of the content to `use`, counted. Returns the size, holes included.
template <typename Use>
std::uint64_t Unpacker::read_content(ArchiveReader& reader, const ArchiveEntry& entry, Use use) {
    auto size = entry.size.value_or(0);
    budget_.count_bytes(size);
    for (ArchiveBlock block; reader.read(block);) {
        const auto end = block.offset + block.bytes.size();
        if (end > size) {
            budget_.count_bytes(end - size);
            size = end;
        }
        use(block);
    }
    return size;
}

// Read rather than skipped, so that the limits are looked at on the way.
void Unpacker::pass_over(ArchiveReader& reader, const ArchiveEntry& entry) {
    read_content(reader, entry, [](const ArchiveBlock&) {});
}

void write_at(const sys::UniqueFd& file, ArchiveBlock block, const std::string& what) {
    while (!block.bytes.empty()) {
        const auto written = SYS_FAIL_POINT(
            "archive.write", ::pwrite(file.get(), block.bytes.data(), block.bytes.size(),
                                      static_cast<off_t>(block.offset)));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) sys::fail("write " + what);
        block.bytes.remove_prefix(static_cast<std::size_t>(written));
        block.offset += static_cast<std::uint64_t>(written);
    }
}

bool begins_like_program(const ArchiveBlock& block) {
    return block.offset == 0 && (block.bytes.starts_with("\x7f"
                                                         "ELF") ||
                                 block.bytes.starts_with("#!"));
}

void Unpacker::make_file(ArchiveReader& reader, const ArchiveEntry& entry, const TreePath& path) {
    const auto file = writer_.create_file(path);
    bool executable = (entry.mode & any_execute_bit) != 0;
    std::uint64_t written = 0;
    const auto size = read_content(reader, entry, [&](const ArchiveBlock& block) {
        executable = executable || (how_.detect_programs && begins_like_program(block));
        write_at(file, block, path);
        written = std::max<std::uint64_t>(written, block.offset + block.bytes.size());
    });
    // A hole at the end.
    if (size > written && ::ftruncate(file.get(), static_cast<off_t>(size)) != 0)
        sys::fail("write " + path);
    if (SYS_FAIL_POINT("archive.set_mode", ::fchmod(file.get(), executable ? 0755 : 0644)) != 0)
        sys::fail("set the mode of " + path);
    // Interpreters compare the times of sources and what they compiled from them.
    const struct timespec times[] = {{0, UTIME_OMIT}, {std::max<time_t>(entry.modified, 0), 0}};
    if (SYS_FAIL_POINT("archive.set_time", ::futimens(file.get(), times)) != 0)
        sys::fail("set the time of " + path);
}

void Unpacker::make_hard_link(ArchiveReader& reader, const ArchiveEntry& entry,
                              const TreePath& path) {
    const auto existing = place_path(entry.link, false, how_, limits_, subject_);
    if (!existing || existing->empty())
        subject_.refuse("is a hard link to something that is not unpacked");
    writer_.make_hard_link(path, *existing);
    // Some tars could carry the content once more; written through a link it would change another
    // file.
    for (ArchiveBlock block; reader.read(block);) {
        if (!block.bytes.empty()) subject_.refuse("is a hard link with content of its own");
    }
}

// A name of an entry, then what it is: the order in which all of them are refused or made.
void Unpacker::make(ArchiveReader& reader, const ArchiveEntry& entry) {
    using Type = ArchiveEntry::Type;
    subject_.entry = entry.name;
    ++seen_;
    count_entry();
    if (entry.type == Type::other) subject_.refuse("is a device, a pipe or a socket");
    if ((entry.mode & set_id_bits) != 0 && !how_.drop_set_id)
        subject_.refuse("has a set-user-ID or set-group-ID bit");
    const bool is_link = entry.type == Type::symbolic_link;
    const auto placed = place_path(entry.name, is_link, how_, limits_, subject_);
    if (is_link && placed) check_link(*placed, entry.link, how_.absolute_links, limits_, subject_);
    if (!placed || is_removed(*placed, how_.remove)) return pass_over(reader, entry);
    const auto& path = *placed;
    if (path.empty() && entry.type != Type::directory) subject_.refuse("has no name");
    switch (entry.type) {
        case Type::directory:
            writer_.make_directory(path);
            break;
        case Type::symbolic_link:
            writer_.make_symbolic_link(path, entry.link);
            break;
        case Type::hard_link:
            make_hard_link(reader, entry, path);
            break;
        default:
            make_file(reader, entry, path);
    }
    count_entry();
}

// `entry` is the first one already.
void Unpacker::unpack_entries(ArchiveReader& reader, ArchiveEntry& entry) {
    do {
        make(reader, entry);
        subject_.entry.clear();
    } while (reader.next(entry));
}

// man 5 deb: "debian-binary" with the format's version, "control.tar…", "data.tar…".
void Unpacker::unpack_debian(ArchiveReader& outer, ArchiveEntry entry) {
    std::string version;
    const bool first_is_version = entry.name == "debian-binary";
    for (ArchiveBlock block; first_is_version && version.size() < 16 && outer.read(block);)
        version += block.bytes;
    if (!version.starts_with("2.")) subject_.refuse("is an ar, but no Debian package of format 2");
    for (int members = 1; outer.next(entry); ++members) {
        if (members > max_ar_members) subject_.refuse("has too many members");
        if (!entry.name.starts_with("data.tar")) continue;
        auto data = ArchiveReader(outer, budget_, subject_);
        if (data.next(entry)) unpack_entries(data, entry);
        return;
    }
    subject_.refuse("has no data.tar");
}

Unpacked Unpacker::unpack(const sys::UniqueFd& archive) {
    if (!how_.into.empty()) writer_.make_directory(clean_path(how_.into, limits_, subject_));
    auto reader = ArchiveReader(archive, ArchiveReader::Formats::any, budget_, subject_);
    ArchiveEntry entry;
    if (reader.next(entry)) {
        reader.is_ar() ? unpack_debian(reader, entry) : unpack_entries(reader, entry);
    }
    return {budget_.bytes(), budget_.entries()};
}

}  // namespace

Unpacked unpack(const sys::UniqueFd& archive, const sys::UniqueFd& root, const Unpacking& how,
                const ArchiveLimits& limits, std::stop_token stop) {
    return Unpacker(root, how, limits, std::move(stop)).unpack(archive);
}

Unpacked unpack(const std::string& archive, const sys::UniqueFd& root, Unpacking how,
                const ArchiveLimits& limits, std::stop_token stop) {
    how.name = archive;
    return unpack(sys::open(archive, O_RDONLY), root, how, limits, std::move(stop));
}

Digest go_hash(const sys::UniqueFd& zip, const ArchiveLimits& limits, std::stop_token stop) {
    auto subject = Subject{"the zip"};
    auto budget = Budget(limits, subject, std::move(stop));
    auto reader = ArchiveReader(zip, ArchiveReader::Formats::zip, budget, subject);
    std::vector<std::pair<std::string, std::string>> lines;  // name, whole line
    for (ArchiveEntry entry; reader.next(entry); subject.entry.clear()) {
        subject.entry = entry.name;
        budget.count_entries(lines.size() + 1);
        const bool plain =
            entry.type == ArchiveEntry::Type::file || entry.type == ArchiveEntry::Type::directory;
        if (!plain) subject.refuse("is no plain file, so the zip has no h1 digest");
        if (entry.name.find('\n') != std::string::npos)
            subject.refuse("has a line break in its name, so the zip has no h1 digest");
        auto hasher = Hasher(Digest::Algorithm::sha256);
        for (ArchiveBlock block; reader.read(block);) {
            budget.count_bytes(block.bytes.size());
            hasher.update(block.bytes);
        }
        auto hex = to_string(hasher.finish()).substr(std::string_view{"sha256:"}.size());
        lines.emplace_back(entry.name, hex + "  " + entry.name + "\n");
    }
    std::ranges::sort(lines);
    const auto same = [](const auto& a, const auto& b) { return a.first == b.first; };
    if (std::ranges::adjacent_find(lines, same) != lines.end())
        subject.refuse("has one name twice, so it has no h1 digest");
    auto hasher = Hasher(Digest::Algorithm::sha256);
    for (const auto& [name, line] : lines) hasher.update(line);
    return {Digest::Algorithm::go_h1, hasher.finish().bytes};
}

}  // namespace packages
