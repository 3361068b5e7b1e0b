#include "packages/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "isolate/sys/error.h"

namespace packages {

namespace {

// What libarchive is given at once. Small, because 64 KiB can unpack to a gigabyte before anybody
// may look at the time.
constexpr std::size_t input_bytes = 16 * 1024;

// So much may be unpacked at any ratio: a small archive of zeros is no attack.
constexpr std::uint64_t free_bytes = 16ULL << 20;

constexpr int poll_milliseconds = 100;

// libarchive converts names by the locale; with this one, bytes stay what they are.
class Utf8Locale {
public:
    Utf8Locale()
        : ours_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
          previous_(ours_ ? ::uselocale(ours_) : nullptr) {}
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    ~Utf8Locale() {
        if (!ours_) return;
        ::uselocale(previous_);
        ::freelocale(ours_);
    }

private:
    locale_t ours_;
    locale_t previous_;
};

}  // namespace

void Budget::check() const {
    if (stop_.stop_requested())
        throw sys::Error(sys::Kind::busy, "unpacking " + subject_.archive + " was canceled");
    if (Clock::now() > deadline_) {
        throw sys::Error(sys::Kind::invalid, subject_.archive + " takes longer than " +
                                                 std::to_string(limits_.time.count()) +
                                                 " s to unpack, which is the limit");
    }
}

void Budget::count_entries(std::uint64_t all) {
    entries_ = all;
    if (entries_ > limits_.entries) {
        throw sys::Error(sys::Kind::invalid, subject_.archive + " has more than " +
                                                 std::to_string(limits_.entries) +
                                                 " entries, which is the limit");
    }
}

void Budget::count_bytes(std::uint64_t more) {
    if (more > limits_.bytes - std::min(bytes_, limits_.bytes)) {
        throw sys::Error(sys::Kind::invalid, subject_.archive + " unpacks to more than " +
                                                 std::to_string(limits_.bytes) +
                                                 " bytes, which is the limit");
    }
    bytes_ += more;
    if (bytes_ > free_bytes && bytes_ / std::max<std::uint64_t>(limits_.ratio, 1) > packed_) {
        throw sys::Error(sys::Kind::invalid, subject_.archive + " unpacks to more than " +
                                                 std::to_string(limits_.ratio) +
                                                 " times its size, which is the limit");
    }
}

// Where the packed bytes come from: a file by offset, a pipe, or an entry of another archive.
struct ArchiveReader::Source {
    int fd = -1;  // the caller's
    bool regular = false;
    std::int64_t size = 0;    // of a regular file
    std::int64_t offset = 0;  // of the next byte
    archive* outer = nullptr;
    Budget& budget;
    std::vector<char> buffer = std::vector<char>(input_bytes);

    ssize_t fill();
    bool wait() const;
};

// A pipe's writer may be slow; whoever wants to stop need not wait for it.
bool ArchiveReader::Source::wait() const {
    auto event = pollfd{fd, POLLIN, 0};
    while (!budget.over()) {
        const int ready = ::poll(&event, 1, poll_milliseconds);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
    return false;
}

// The length of what is in the buffer now, 0 at the end, -1 on failure.
ssize_t ArchiveReader::Source::fill() {
    for (;;) {
        if (!regular && !wait()) return -1;
        const auto length = regular ? ::pread(fd, buffer.data(), buffer.size(), offset)
                                    : ::read(fd, buffer.data(), buffer.size());
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (length > 0) offset += length;
        if (length > 0 && !regular) budget.packed(static_cast<std::uint64_t>(offset));
        return length;
    }
}

struct ArchiveReader::State {
    struct Free {
        void operator()(archive* reader) const { archive_read_free(reader); }
    };
    Utf8Locale locale;
    Source source;
    std::unique_ptr<archive, Free> reader{archive_read_new()};
};

namespace {

using Source = ArchiveReader::Source;

// Called by libarchive, so nothing here may throw.
la_ssize_t read_source(archive* reader, void* data, const void** bytes) {
    auto& source = *static_cast<Source*>(data);
    if (source.budget.over()) {
        archive_set_error(reader, ECANCELED, "canceled");
        return ARCHIVE_FATAL;
    }
    if (source.outer) {
        std::size_t size = 0;
        la_int64_t offset = 0;
        int result = ARCHIVE_OK;
        do {
            result = archive_read_data_block(source.outer, bytes, &size, &offset);
        } while (result == ARCHIVE_OK && size == 0);
        if (result == ARCHIVE_EOF) return 0;
        if (result == ARCHIVE_OK) return static_cast<la_ssize_t>(size);
        archive_set_error(reader, EIO, "%s", archive_error_string(source.outer));
        return ARCHIVE_FATAL;
    }
    const auto length = source.fill();
    if (length < 0) {
        archive_set_error(reader, errno, "cannot be read");
        return ARCHIVE_FATAL;
    }
    *bytes = source.buffer.data();
    return length;
}

la_int64_t seek_source(archive* reader, void* data, la_int64_t offset, int whence) {
    auto& source = *static_cast<Source*>(data);
    const auto from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? source.offset : source.size;
    std::int64_t to = 0;
    if (__builtin_add_overflow(from, offset, &to) || to < 0) {
        archive_set_error(reader, EINVAL, "refers to something outside of it");
        return ARCHIVE_FATAL;
    }
    source.offset = to;
    return to;
}

la_int64_t skip_source(archive*, void* data, la_int64_t wanted) {
    auto& source = *static_cast<Source*>(data);
    const auto left = std::max<std::int64_t>(source.size - source.offset, 0);
    const auto skipped = std::clamp<std::int64_t>(wanted, 0, left);
    source.offset += skipped;
    return skipped;
}

ArchiveEntry::Type type_of(archive_entry* entry) {
    if (archive_entry_hardlink(entry)) return ArchiveEntry::Type::hard_link;
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
            return ArchiveEntry::Type::file;
        case AE_IFDIR:
            return ArchiveEntry::Type::directory;
        case AE_IFLNK:
            return ArchiveEntry::Type::symbolic_link;
        default:
            return ArchiveEntry::Type::other;
    }
}

std::string text_or_empty(const char* text) {
    return text ? std::string{text} : std::string{};
}

}  // namespace

ArchiveReader::ArchiveReader(const sys::UniqueFd& file, Formats formats, Budget& budget,
                             const Subject& subject)
    : budget_(budget), subject_(subject), state_(new State{.source = {.budget = budget}}) {
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) sys::fail("look at " + subject.archive);
    auto& source = state_->source;
    source.fd = file.get();
    source.regular = S_ISREG(status.st_mode);
    source.size = status.st_size;
    if (source.regular) budget.packed(static_cast<std::uint64_t>(source.size));
    open(formats, source.regular);
}

ArchiveReader::ArchiveReader(ArchiveReader& outer, Budget& budget, const Subject& subject)
    : budget_(budget), subject_(subject), state_(new State{.source = {.budget = budget}}) {
    state_->source.outer = outer.state_->reader.get();
    open(Formats::any, false);
}

ArchiveReader::~ArchiveReader() = default;

// Only formats with a use here, and only filters that are linked in: libarchive would start
// programs for others. A zip needs its directory, which stands at its end.
void ArchiveReader::open(Formats formats, bool seekable) {
    auto* reader = state_->reader.get();
    auto& source = state_->source;
    if (!reader) throw sys::Error(sys::Kind::broken, "no memory to read " + subject_.archive);
    if (formats == Formats::any) {
        archive_read_support_filter_gzip(reader);
        archive_read_support_filter_xz(reader);
        archive_read_support_filter_zstd(reader);
        archive_read_support_filter_bzip2(reader);
        archive_read_support_format_tar(reader);
        if (!source.outer) archive_read_support_format_ar(reader);
    }
    if (seekable) {
        archive_read_support_format_zip_seekable(reader);
        archive_read_set_seek_callback(reader, seek_source);
        archive_read_set_skip_callback(reader, skip_source);
    }
    // Files of a Mac's own beside others are files like any other.
    archive_read_set_option(reader, nullptr, "mac-ext", nullptr);
    archive_read_set_read_callback(reader, read_source);
    archive_read_set_callback_data(reader, &source);
    if (archive_read_open1(reader) != ARCHIVE_OK) refuse();
    // A filter and the file itself: packed twice is how a small bomb becomes a large one.
    if (archive_filter_count(reader) > 2) subject_.refuse("is compressed more than once");
}

// libarchive's sentence, unless it failed because we told it to.
void ArchiveReader::refuse() const {
    budget_.check();
    auto* reader = state_->reader.get();
    if (archive_errno(reader) == ENOMEM)
        throw sys::Error(sys::Kind::broken, "no memory to read " + subject_.archive);
    const auto why = text_or_empty(archive_error_string(reader));
    subject_.refuse("is damaged or no archive that can be read: " + (why.empty() ? "?" : why));
}

bool ArchiveReader::next(ArchiveEntry& entry) {
    budget_.check();
    archive_entry* header = nullptr;
    const int result = archive_read_next_header(state_->reader.get(), &header);
    if (result == ARCHIVE_EOF) return false;
    // A warning is about something that is not restored anyway, or the name is missing.
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) refuse();
    const char* name = archive_entry_pathname(header);
    if (!name) subject_.refuse("has an entry whose name cannot be read");
    entry = {.type = type_of(header),
             .name = name,
             .mode = archive_entry_mode(header),
             .modified = archive_entry_mtime(header)};
    if (entry.type == ArchiveEntry::Type::hard_link) {
        entry.link = text_or_empty(archive_entry_hardlink(header));
    } else if (entry.type == ArchiveEntry::Type::symbolic_link) {
        entry.link = text_or_empty(archive_entry_symlink(header));
    }
    if (archive_entry_size_is_set(header)) {
        const auto size = archive_entry_size(header);
        if (size < 0) subject_.refuse("has an entry of negative size");
        entry.size = static_cast<std::uint64_t>(size);
    }
    return true;
}

bool ArchiveReader::read(ArchiveBlock& block) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int result = archive_read_data_block(state_->reader.get(), &bytes, &size, &offset);
    if (result == ARCHIVE_EOF) return false;
    // A warning here is a checksum that is wrong.
    if (result != ARCHIVE_OK || offset < 0) refuse();
    budget_.check();
    block.bytes = {static_cast<const char*>(bytes), size};
    block.offset = static_cast<std::uint64_t>(offset);
    return true;
}

bool ArchiveReader::is_ar() const {
    return (archive_format(state_->reader.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_AR;
}

}  // namespace packages
