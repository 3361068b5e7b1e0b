#include "packages/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <set>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"
#include "packages/tree.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view staging_prefix = "staging-";
constexpr std::string_view trash_prefix = "trash-";
constexpr std::size_t digest_digits = 12;  // of a layer's name; all of them are in the record

std::string random_word() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) sys::fail("getrandom");
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

// The name of a directory that containers accept (isolate::is_layer_name).
std::string layer_word(std::string text) {
    for (auto& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
        if (!plain) c = '-';
    }
    return text.substr(0, 64);
}

std::string hex_of(const std::string& digest) {
    return digest.substr(digest.find(':') + 1, digest_digits);
}

std::string record_path(const Store& store, const std::string& name, const std::string& version) {
    return store.records_directory() + "/" + name + "=" + version + ".json";
}

void make_durable(const std::string& path) {
    const auto file = sys::open(path, O_RDONLY);
    if (SYS_FAIL_POINT("store.fsync", ::fsync(file.get())) != 0) sys::fail("fsync " + path);
}

void rename_or_throw(const std::string& from, const std::string& to) {
    if (SYS_FAIL_POINT("store.rename", ::rename(from.c_str(), to.c_str())) != 0)
        sys::fail("rename " + from + " to " + to);
}

// By its old name a half removed layer would look whole.
void remove_layer(const std::string& layers, const std::string& name) {
    const auto trash = layers + "/" + std::string{trash_prefix} + random_word();
    rename_or_throw(layers + "/" + name, trash);
    remove_tree(trash);
}

std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator{directory})
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

// What a killed transaction has left.
void sweep(const Store& store) {
    for (const auto& name : names_in(store.layers_directory())) {
        if (name.starts_with(staging_prefix) || name.starts_with(trash_prefix))
            remove_tree(store.layers_directory() + "/" + name);
    }
    for (const auto& name : names_in(store.records_directory())) {
        if (!name.ends_with(".json")) fs::remove(store.records_directory() + "/" + name);
    }
}

bool is_older(const Record& left, const Record& right) {
    if (left.name != right.name) return left.name < right.name;
    return *parse_version(left.version) < *parse_version(right.version);
}

// Packages that nobody asked for and none of the others needs.
std::vector<Record> unneeded(const std::vector<Record>& records) {
    std::set<std::string> needed{"base"};
    for (const auto& record : records) needed.insert(record.depends.begin(), record.depends.end());
    std::vector<Record> result;
    for (const auto& record : records) {
        if (!record.asked_for && !needed.contains(record.name)) result.push_back(record);
    }
    return result;
}

std::set<std::string> layers_of(const std::vector<Record>& records) {
    std::set<std::string> names;
    for (const auto& record : records) {
        for (const auto& layer : record.layers) names.insert(layer.name);
        for (const auto& added : record.libraries) names.insert(added.layer.name);
    }
    return names;
}

// A record that cannot be understood (of a newer engine, say) may need any layer.
void refuse_if_unreadable(const Store& store, const std::vector<Record>& readable) {
    const auto names = names_in(store.records_directory());
    const auto there = std::ranges::count_if(
        names, [](const std::string& name) { return name.ends_with(".json"); });
    if (there > static_cast<long>(readable.size())) {
        throw sys::Error(sys::Kind::broken,
                         "nothing is removed while a record in " + store.records_directory() +
                             " cannot be read; the log names it (record_unreadable)");
    }
}

void complain_if_damaged(const Store& store, const Layer& layer,
                         std::vector<std::string>& complaints) {
    const auto path = store.layers_directory() + "/" + layer.name;
    if (!fs::is_directory(path)) {
        complaints.push_back("the layer " + layer.name + " is missing");
    } else if (describe_tree(path).digest != layer.digest) {
        complaints.push_back("the layer " + layer.name + " is not what was installed");
    }
}

}  // namespace

// ---- Staging ------------------------------------------------------------------------------------

Staging::Staging(const std::string& layers)
    : path_(layers + "/" + std::string{staging_prefix} + random_word()) {
    if (SYS_FAIL_POINT("store.make_staging", ::mkdir(path_.c_str(), 0755)) != 0)
        sys::fail("mkdir " + path_);
    directory_ = sys::open(path_, O_RDONLY | O_DIRECTORY);
}

Staging::Staging(Staging&& other) noexcept
    : path_(std::exchange(other.path_, {})), directory_(std::move(other.directory_)) {}

Staging::~Staging() {
    if (path_.empty()) return;
    try {
        remove_tree(path_);
    } catch (const sys::Error& error) {
        // The next transaction sweeps it.
        sys::log(sys::Level::warn, "staging_left", {{"error", error.what()}});
    }
}

// ---- Transaction --------------------------------------------------------------------------------

Transaction::Transaction(const Store& store, sys::UniqueFd lock)
    : store_(store), lock_(std::move(lock)) {
    sweep(store_);
}

Staging Transaction::begin_layer() const {
    return Staging{store_.layers_directory()};
}

Layer Transaction::publish(Staging staging, const std::string& package,
                           const std::string& version) const {
    const auto facts = describe_tree(staging.path());
    const auto name = layer_word(package + "-" + version) + "-" + hex_of(facts.digest);
    const auto path = store_.layers_directory() + "/" + name;
    if (!fs::exists(path)) {
        if (SYS_FAIL_POINT("store.syncfs", ::syncfs(staging.directory().get())) != 0)
            sys::fail("syncfs " + staging.path());
        rename_or_throw(staging.path(), path);
        staging.release();
        make_durable(store_.layers_directory());
    }
    return {.name = name, .digest = facts.digest, .bytes = facts.bytes};
}

void Transaction::put(const Record& record) const {
    sys::replace_file(record_path(store_, record.name, record.version), to_json(record));
    make_durable(store_.records_directory());
}

bool Transaction::remove(const std::string& name, const std::string& version) const {
    const auto path = record_path(store_, name, version);
    if (SYS_FAIL_POINT("store.remove_record", ::unlink(path.c_str())) != 0) {
        if (errno == ENOENT) return false;
        sys::fail("remove " + path);
    }
    make_durable(store_.records_directory());
    return true;
}

std::vector<std::string> Transaction::collect_garbage(
    const std::function<bool(const std::string& layer)>& in_use) const {
    std::vector<std::string> removed;
    auto records = store_.installed();
    refuse_if_unreadable(store_, records);
    for (auto idle = unneeded(records); !idle.empty(); idle = unneeded(records)) {
        for (const auto& record : idle) {
            remove(record.name, record.version);
            removed.push_back(record.name + "=" + record.version);
        }
        records = store_.installed();
    }
    for (const auto& name : store_.unreferenced_layers()) {
        if (in_use(name)) continue;
        remove_layer(store_.layers_directory(), name);
        removed.push_back(name);
    }
    return removed;
}

// ---- Store --------------------------------------------------------------------------------------

Store::Store(std::string data_directory) : data_(std::move(data_directory)) {
    for (const auto& path : {data_, layers_directory(), records_directory(), cache_directory()})
        sys::make_directories(path);
    if (::access(records_directory().c_str(), W_OK) != 0)
        sys::fail("write to " + records_directory());
}

std::vector<Record> Store::installed() const {
    std::vector<Record> records;
    for (const auto& name : names_in(records_directory())) {
        if (!name.ends_with(".json")) continue;
        const auto text = sys::try_read_file(records_directory() + "/" + name);
        if (!text && errno == ENOENT) continue;  // removed a moment ago
        // Left out, a record that is there would look like a package that is not.
        if (!text) sys::fail("read " + records_directory() + "/" + name);
        try {
            records.push_back(parse_record(*text, name));
        } catch (const sys::Error& error) {
            sys::log(sys::Level::error, "record_unreadable", {{"error", error.what()}});
        }
    }
    std::ranges::sort(records, is_older);
    return records;
}

Transaction Store::begin(const std::function<void()>& waiting) const {
    auto lock = sys::open(data_ + "/lock", O_RDWR | O_CREAT, 0644);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (waiting) waiting();
        while (::flock(lock.get(), LOCK_EX) != 0) {
            if (errno != EINTR) sys::fail("lock " + data_ + "/lock");
        }
    }
    return {*this, std::move(lock)};
}

std::optional<Transaction> Store::try_begin() const {
    auto lock = sys::open(data_ + "/lock", O_RDWR | O_CREAT, 0644);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
    return Transaction{*this, std::move(lock)};
}

std::vector<std::string> Store::unreferenced_layers() const {
    const auto needed = layers_of(installed());
    auto names = names_in(layers_directory());
    std::erase_if(names, [&](const std::string& name) {
        return name.starts_with(staging_prefix) || name.starts_with(trash_prefix) ||
               needed.contains(name);
    });
    return names;
}

std::vector<std::string> Store::verify(const Record& record) const {
    std::vector<std::string> complaints;
    for (const auto& layer : record.layers) complain_if_damaged(*this, layer, complaints);
    for (const auto& added : record.libraries) complain_if_damaged(*this, added.layer, complaints);
    return complaints;
}

// ---- decisions ----------------------------------------------------------------------------------

const Record* newest(const std::vector<Record>& records, const std::string& name,
                     const Range& range) {
    const Record* best = nullptr;
    for (const auto& record : records) {  // ascending
        if (record.name == name && range.contains(*parse_version(record.version))) best = &record;
    }
    return best;
}

namespace {

// Deeper than any package; deep enough to notice a circle, which only damaged records can make.
constexpr int deepest = 16;

void append_layers(const std::vector<Record>& records, const Record& record,
                   std::vector<std::string>& names, int depth = 0) {
    const auto append = [&](const Layer& layer) {
        // What several packages lie on must stay beneath all of them.
        std::erase(names, layer.name);
        names.push_back(layer.name);
    };
    for (const auto& added : record.libraries) append(added.layer);
    for (const auto& layer : record.layers) append(layer);
    for (const auto& name : record.depends) {
        const auto* below = newest(records, name, Range{.alternatives = {{}}});
        if (below == nullptr || depth == deepest) {
            throw sys::Error(sys::Kind::not_found, record.name + "=" + record.version +
                                                       " needs the package " + name +
                                                       ", which is not installed");
        }
        append_layers(records, *below, names, depth + 1);
    }
}

}  // namespace

std::vector<std::string> root_layers(const std::vector<Record>& records, const Record& record) {
    std::vector<std::string> names;
    append_layers(records, record, names);
    return names;
}

}  // namespace packages
