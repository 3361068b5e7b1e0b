// Results of compile stages on disk, by their keys (compile_key.h): a directory with one file each.
//
//   <directory>/<key>        a line that says what it is, a digest of the rest, the rest
//   <directory>/new-<number> half written; removed by the next start
//
// A file is believed only if its digest is right and it says the key it is named after; any other
// is removed and was never there. The directory is the engine's alone: no box has a path to it, and
// nobody else may read it. When it is full, what nobody has asked for the longest goes. Nothing
// here ever costs a job its answer: what cannot be read is compiled, what cannot be written is not
// kept.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/settings.h"
#include "engine/compile_key.h"
#include "engine/kept_compile.h"

namespace engine {

class CompileCache {
public:
    struct Counts {
        std::uint64_t hits = 0, misses = 0, stored = 0, evicted = 0;
        std::uint64_t bytes = 0, entries = 0;
    };

    // Makes the directory and takes in what an earlier process left there. One that cannot be used
    // is logged, and then nothing is kept.
    CompileCache(std::string directory, config::Compile settings);
    ~CompileCache() = default;
    CompileCache(const CompileCache&) = delete;
    CompileCache& operator=(const CompileCache&) = delete;

    // Empty if the job's compile stage may not be kept. Looks at the toolchain anew.
    std::optional<CompileKey> key_of(const Job& job) const;

    // What was kept under the key. Counts a hit or a miss.
    std::optional<KeptCompile> find(const CompileKey& key);

    // Keeps it, unless it is too much.
    void store(const CompileKey& key, const KeptCompile& kept);

    // The most that what a compile stage left may take, to be kept at all.
    config::Bytes most() const { return settings_.cache_entry; }

    Counts counts() const;

private:
    struct Entry {
        CompileKey key;
        std::uint64_t bytes;
    };
    using Entries = std::list<Entry>;  // the one that was asked for last at the end

    bool take_in();
    std::string path_of(std::string_view name) const {
        return directory_ + "/" + std::string{name};
    }
    bool write(const CompileKey& key, std::string_view content);
    void add(const CompileKey& key, std::uint64_t bytes);
    void forget(const CompileKey& key);
    void make_room();

    const std::string directory_;
    const config::Compile settings_;
    const std::string machine_;

    mutable std::mutex mutex_;  // of what follows
    Entries entries_;
    std::unordered_map<CompileKey, Entries::iterator> places_;
    Counts counts_;
    std::uint64_t next_number_ = 0;
    bool is_usable_ = false;
};

// What stands before the content in the file of that key; and the content of such a file, nothing
// if it is not all of that.
std::string seal(const CompileKey& key, std::string_view content);
std::optional<KeptCompile> unsealed(const CompileKey& key, std::string_view bytes);

}  // namespace engine
