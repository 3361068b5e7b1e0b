// What is installed: <data>/packages/<name>=<version>.json, one record each, and <data>/layers/,
// one directory for each layer. Everybody may read at any time; who changes something holds a
// Transaction.
//
//   <data>/lock           flock: one transaction at a time, of any process
//   <data>/packages/      records; the only truth
//   <data>/layers/NAME    finished layers, never changed again
//   <data>/layers/staging-*, trash-*   half made, half removed; swept by the next transaction
//   <data>/cache/         downloads and package lists, all of which may be deleted
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/sys/fd.h"
#include "packages/record.h"
#include "packages/version.h"

namespace packages {

// A directory under construction among the layers; gone with this value unless published.
class Staging {
public:
    // In `layers`, which exists. Throws sys::Error.
    explicit Staging(const std::string& layers);
    Staging(Staging&& other) noexcept;
    Staging& operator=(Staging&&) = delete;
    Staging(const Staging&) = delete;
    Staging& operator=(const Staging&) = delete;
    ~Staging();

    const std::string& path() const { return path_; }
    const sys::UniqueFd& directory() const { return directory_; }

    // Called by the store: it is not ours to remove any more.
    void release() { path_.clear(); }

private:
    std::string path_;
    sys::UniqueFd directory_;
};

class Store;

// The right to change the store, until it is destroyed. Begins by removing what a killed
// predecessor left.
class Transaction {
public:
    Transaction(const Store& store, sys::UniqueFd lock);

    Staging begin_layer() const;

    // Hashes the tree, makes it durable and gives it its final name:
    // "<package>-<version>-<digest>". A layer of that name that is there already is the same, and
    // stays.
    Layer publish(Staging staging, const std::string& package, const std::string& version) const;

    // Adds the record or replaces the one of the same name and version.
    void put(const Record& record) const;
    // True if it was there.
    bool remove(const std::string& name, const std::string& version) const;

    // Removes packages nobody asked for or depends on, and layers of no record, but none for which
    // `in_use` says true. Returns the names of what it removed.
    std::vector<std::string> collect_garbage(
        const std::function<bool(const std::string& layer)>& in_use) const;

private:
    const Store& store_;
    sys::UniqueFd lock_;
};

class Store {
public:
    // Makes what is missing beneath the directory. Throws sys::Error if it is not ours to write.
    explicit Store(std::string data_directory);

    const std::string& data_directory() const { return data_; }
    std::string layers_directory() const { return data_ + "/layers"; }
    std::string records_directory() const { return data_ + "/packages"; }
    std::string cache_directory() const { return data_ + "/cache"; }

    // All records, by name and ascending version. One that cannot be read is logged and left out.
    std::vector<Record> installed() const;

    // Waits for the lock; `waiting` is called once if somebody else has it. Throws Error{busy} if
    // stopped meanwhile.
    Transaction begin(const std::function<void()>& waiting = {}) const;

    // As begin(), but empty at once if somebody else has the lock.
    std::optional<Transaction> try_begin() const;

    // Layers that belong to no record: what collect_garbage would remove.
    std::vector<std::string> unreferenced_layers() const;

    // What differs from the digests: one sentence for each damaged or missing layer.
    std::vector<std::string> verify(const Record& record) const;

private:
    std::string data_;
};

// The newest of that name whose version satisfies the range; null if there is none.
const Record* newest(const std::vector<Record>& records, const std::string& name,
                     const Range& range);

// The layers of a package's root, uppermost first: libraries, its own, those of what it depends on,
// the base. Throws sys::Error{not_found} naming a package that is missing.
std::vector<std::string> root_layers(const std::vector<Record>& records, const Record& record);

}  // namespace packages
