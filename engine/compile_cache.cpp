#include "engine/compile_cache.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"
#include "packages/digest.h"

namespace engine {

namespace {

constexpr std::string_view first_line = "crankcase compiled 1\n";
constexpr std::size_t digest_bytes = 32;
constexpr std::size_t key_digits = 64;
constexpr mode_t own_file = 0600;
constexpr mode_t own_directory = 0700;

// Of which the file system keeps more than the bytes.
constexpr std::uint64_t overhead = 4096;

bool is_key(std::string_view name) {
    return name.size() == key_digits &&
           name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string digest_of(std::string_view key, std::string_view content) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(key);
    hasher.update(content);
    return hasher.finish().bytes;
}

struct Found {
    std::string key;
    std::uint64_t bytes;
    timespec used;
};

bool was_used_earlier(const Found& left, const Found& right) {
    return std::pair{left.used.tv_sec, left.used.tv_nsec} <
           std::pair{right.used.tv_sec, right.used.tv_nsec};
}

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};

// Its keys, the one that was used last at the end. What is none of ours there is removed.
std::vector<Found> look_through(const std::string& directory) {
    std::vector<Found> all;
    const std::unique_ptr<DIR, CloseDirectory> stream{::opendir(directory.c_str())};
    if (!stream) return all;
    const int at = ::dirfd(stream.get());
    while (const auto* const entry = ::readdir(stream.get())) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        struct stat status {};
        const bool is_there = ::fstatat(at, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
        if (is_there && S_ISREG(status.st_mode) && is_key(name)) {
            all.push_back({name, static_cast<std::uint64_t>(status.st_size), status.st_mtim});
        } else if (is_there && !S_ISDIR(status.st_mode)) {
            ::unlinkat(at, name.c_str(), 0);
        }
    }
    std::ranges::sort(all, was_used_earlier);
    return all;
}

// About, and never too much.
std::uint64_t size_of(const KeptCompile& kept) {
    std::uint64_t bytes = 0;
    for (const auto& entry : kept.tree) bytes += entry.content.size();
    return bytes;
}

bool write_all(const sys::UniqueFd& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written =
            SYS_FAIL_POINT("compile_cache.write", ::write(file.get(), bytes.data(), bytes.size()));
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

std::string seal(const CompileKey& key, std::string_view content) {
    return std::string{first_line} + digest_of(key, content);
}

std::optional<KeptCompile> unsealed(const CompileKey& key, std::string_view bytes) {
    if (!bytes.starts_with(first_line)) return std::nullopt;
    bytes.remove_prefix(first_line.size());
    const auto digest = bytes.substr(0, digest_bytes);
    bytes.remove_prefix(digest.size());
    if (digest != digest_of(key, bytes)) return std::nullopt;
    return read_kept(bytes);
}

CompileCache::CompileCache(std::string directory, config::Compile settings)
    : directory_(std::move(directory)),
      settings_(settings),
      machine_(machine_of(sys::try_read_file("/proc/cpuinfo").value_or(""))) {
    const bool is_wanted = settings_.cache.count > 0;
    // What was kept when it was wanted goes.
    if (is_wanted || ::access(directory_.c_str(), F_OK) == 0) is_usable_ = take_in() && is_wanted;
}

bool CompileCache::take_in() {
    const bool is_made = ::mkdir(directory_.c_str(), own_directory) == 0 || errno == EEXIST;
    // Of an engine that let others look, or of another user.
    if (!is_made || ::chmod(directory_.c_str(), own_directory) != 0) {
        sys::log(sys::Level::warn, "compile_cache_unusable",
                 {{"directory", directory_}, {"error", sys::describe(errno)}});
        return false;
    }
    for (const auto& found : look_through(directory_)) {
        add(found.key, found.bytes);
        if (found.bytes > settings_.cache_entry.count) forget(found.key);
    }
    make_room();
    counts_.evicted = 0;
    return true;
}

std::optional<CompileKey> CompileCache::key_of(const Job& job) const {
    if (!is_usable_ || !job.runtime->compiled() || !job.runtime->compile->cache_unless)
        return std::nullopt;
    return compile_key(job, toolchain_of(*job.runtime), machine_);
}

std::optional<KeptCompile> CompileCache::find(const CompileKey& key) {
    {
        const std::lock_guard lock{mutex_};
        if (!places_.contains(key)) {
            ++counts_.misses;
            return std::nullopt;
        }
    }
    const auto path = path_of(key);
    const auto bytes = sys::try_read_file(path);
    auto kept = bytes ? unsealed(key, *bytes) : std::nullopt;
    // That it was asked for outlives this process as the file's time.
    if (kept) ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
    const std::lock_guard lock{mutex_};
    ++(kept ? counts_.hits : counts_.misses);
    const auto place = places_.find(key);
    if (place == places_.end()) return kept;
    if (kept) {
        entries_.splice(entries_.end(), entries_, place->second);
    } else {
        sys::log(sys::Level::warn, "kept_compile_damaged", {{"key", key}});
        forget(key);
    }
    return kept;
}

void CompileCache::store(const CompileKey& key, const KeptCompile& kept) {
    const auto room = std::min(settings_.cache_entry, settings_.cache).count;
    if (size_of(kept) > room) return;
    const auto content = write_kept(kept);
    const auto bytes = first_line.size() + digest_bytes + content.size();
    if (bytes + overhead > room || !write(key, content)) return;
    const std::lock_guard lock{mutex_};
    ++counts_.stored;
    add(key, bytes);
    make_room();
}

// Not made durable: after a power cut a torn file is found out and removed.
bool CompileCache::write(const CompileKey& key, std::string_view content) {
    std::uint64_t number = 0;
    {
        const std::lock_guard lock{mutex_};
        number = next_number_++;
    }
    const auto half = path_of("new-" + std::to_string(::getpid()) + "-" + std::to_string(number));
    auto file = sys::try_open(half, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, own_file);
    const bool is_written = file && write_all(file, seal(key, content)) && write_all(file, content);
    file.reset();
    if (is_written &&
        SYS_FAIL_POINT("compile_cache.rename", ::rename(half.c_str(), path_of(key).c_str())) == 0)
        return true;
    sys::log(sys::Level::warn, "compile_not_kept", {{"error", sys::describe(errno)}});
    ::unlink(half.c_str());
    return false;
}

// With the mutex held, as the two below; but for the beginning, when nobody else is there.
void CompileCache::add(const CompileKey& key, std::uint64_t bytes) {
    const auto place = places_.find(key);
    if (place != places_.end()) {
        counts_.bytes -= place->second->bytes;
        entries_.erase(place->second);
        places_.erase(place);
    }
    entries_.push_back({key, bytes + overhead});
    places_.emplace(key, std::prev(entries_.end()));
    counts_.bytes += bytes + overhead;
    counts_.entries = entries_.size();
}

void CompileCache::forget(const CompileKey& key) {
    const auto place = places_.find(key);
    counts_.bytes -= place->second->bytes;
    entries_.erase(place->second);
    places_.erase(place);
    counts_.entries = entries_.size();
    ::unlink(path_of(key).c_str());
}

void CompileCache::make_room() {
    while (counts_.bytes > settings_.cache.count) {
        ++counts_.evicted;
        forget(CompileKey{entries_.front().key});
    }
}

CompileCache::Counts CompileCache::counts() const {
    const std::lock_guard lock{mutex_};
    return counts_;
}

}  // namespace engine
