#include "isolate/gate/own_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace isolate::gate {

namespace {

constexpr std::uintptr_t page_bytes = 4096;

// man 5 proc, /proc/pid/pagemap: one number a page.
constexpr std::uint64_t is_present = 1ULL << 63;
constexpr std::uint64_t is_of_a_file = 1ULL << 61;

// The kernel's headers have it since 5.14.
constexpr int populate_write = 23;

// /proc/self/maps, a line at a time; the rest of a line that has no room is left out.
class Lines {
public:
    explicit Lines(int file) : file_(file) {}

    // Null at the end.
    const char* next() {
        std::size_t length = 0;
        for (;;) {
            if (at_ == filled_ && !fill()) return nullptr;
            const char c = buffer_[at_++];
            if (c == '\n') break;
            if (length + 1 < sizeof line_) line_[length++] = c;
        }
        line_[length] = '\0';
        return line_;
    }

private:
    bool fill() {
        const auto length = ::read(file_, buffer_, sizeof buffer_);
        at_ = 0;
        filled_ = length > 0 ? static_cast<std::size_t>(length) : 0;
        return filled_ > 0;
    }

    int file_;
    char buffer_[1024];
    std::size_t at_ = 0, filled_ = 0;
    char line_[64];
};

std::uintptr_t read_hex(const char*& at) {
    std::uintptr_t value = 0;
    for (;; ++at) {
        if (*at >= '0' && *at <= '9') {
            value = value * 16 + static_cast<std::uintptr_t>(*at - '0');
        } else if (*at >= 'a' && *at <= 'f') {
            value = value * 16 + static_cast<std::uintptr_t>(*at - 'a' + 10);
        } else {
            return value;
        }
    }
}

}  // namespace

// False if there is no room for it.
bool OwnPages::add(std::uintptr_t page) {
    if (count_ > 0 && runs_[count_ - 1].end == page) {
        runs_[count_ - 1].end += page_bytes;
        return true;
    }
    if (count_ == most_runs) return false;
    runs_[count_++] = {page, page + page_bytes};
    return true;
}

void OwnPages::find_in(int page_map, Run area) {
    std::uint64_t pages[128];
    while (area.begin < area.end) {
        const auto wanted = std::min(sizeof pages, (area.end - area.begin) / page_bytes * 8);
        const auto length =
            ::pread(page_map, pages, wanted, static_cast<off_t>(area.begin / page_bytes * 8));
        if (length <= 0) return;
        for (std::size_t i = 0; i < static_cast<std::size_t>(length) / 8; ++i) {
            const bool is_own = (pages[i] & (is_present | is_of_a_file)) == is_present;
            if (is_own && !add(area.begin)) return;
            area.begin += page_bytes;
        }
    }
}

void OwnPages::find() {
    count_ = 0;
    if (::sysconf(_SC_PAGESIZE) != static_cast<long>(page_bytes)) return;
    const int maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    const int page_map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (maps >= 0 && page_map >= 0) {
        const auto here = reinterpret_cast<std::uintptr_t>(&maps);
        Lines lines{maps};
        for (const char* line = lines.next(); line; line = lines.next()) {
            Run area{};
            area.begin = read_hex(line);
            if (*line++ != '-') break;
            area.end = read_hex(line);
            // A fork goes on where the stack is flat: below lies what is left of the start.
            const bool is_stack = area.begin <= here && here < area.end;
            if (std::strncmp(line, " rw-p", 5) == 0 && !is_stack) find_in(page_map, area);
        }
    }
    if (maps >= 0) ::close(maps);
    if (page_map >= 0) ::close(page_map);
}

void OwnPages::copy() const {
    for (std::size_t i = 0; i < count_; ++i) {
        const auto& run = runs_[i];
        // SAFETY: the number is an address of this process, from its own list.
        ::madvise(reinterpret_cast<void*>(run.begin), run.end - run.begin, populate_write);
    }
}

}  // namespace isolate::gate
