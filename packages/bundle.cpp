#include "packages/bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/archive.h"
#include "packages/tree.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

struct FreeWriter {
    void operator()(archive* writer) const { ::archive_write_free(writer); }
};
struct FreeEntry {
    void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};

// A tar that is written entry by entry. Names in it are ours.
class TarWriter {
public:
    explicit TarWriter(const std::string& file)
        : file_(sys::open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644)),
          writer_(::archive_write_new()) {
        check(::archive_write_set_format_pax_restricted(writer_.get()));
        check(::archive_write_add_filter_zstd(writer_.get()));
        check(::archive_write_open_fd(writer_.get(), file_.get()));
    }

    void add_text(const std::string& name, std::string_view text) {
        begin(name, AE_IFREG | 0644, text.size(), "");
        write(text);
    }

    void add(const fs::path& path, const std::string& name) {
        struct stat status {};
        if (::lstat(path.c_str(), &status) != 0) sys::fail("lstat " + path.string());
        const auto target = S_ISLNK(status.st_mode) ? fs::read_symlink(path).string() : "";
        const auto size = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
        begin(name, status.st_mode, size, target);
        if (S_ISREG(status.st_mode)) copy(path);
    }

    // Until then the file is not worth anything.
    void finish() {
        check(::archive_write_close(writer_.get()));
        if (::fsync(file_.get()) != 0) sys::fail("fsync the bundle");
    }

private:
    void check(int result) const {
        if (result >= ARCHIVE_WARN) return;
        throw sys::Error(sys::Kind::broken,
                         std::string{"write the bundle: "} + ::archive_error_string(writer_.get()));
    }

    void begin(const std::string& name, mode_t mode, std::size_t size, const std::string& target) {
        const std::unique_ptr<archive_entry, FreeEntry> entry{::archive_entry_new()};
        ::archive_entry_set_pathname(entry.get(), name.c_str());
        ::archive_entry_set_mode(entry.get(), mode);
        ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
        if (!target.empty()) ::archive_entry_set_symlink(entry.get(), target.c_str());
        check(::archive_write_header(writer_.get(), entry.get()));
    }

    void write(std::string_view bytes) {
        if (::archive_write_data(writer_.get(), bytes.data(), bytes.size()) < 0)
            check(ARCHIVE_FATAL);
    }

    void copy(const fs::path& path) {
        const auto from = sys::open(path.string(), O_RDONLY | O_NOFOLLOW);
        std::string block(1 << 20, '\0');
        for (;;) {
            const auto length = ::read(from.get(), block.data(), block.size());
            if (length < 0) sys::fail("read " + path.string());
            if (length == 0) return;
            write({block.data(), static_cast<std::size_t>(length)});
        }
    }

    sys::UniqueFd file_;
    std::unique_ptr<archive, FreeWriter> writer_;
};

std::vector<std::string> layer_names(const Record& record) {
    std::vector<std::string> names;
    for (const auto& layer : record.layers) names.push_back(layer.name);
    for (const auto& added : record.libraries) names.push_back(added.layer.name);
    return names;
}

void add_layer(TarWriter& tar, const Store& store, const std::string& layer,
               const std::stop_token& stop) {
    const auto root = store.layers_directory() + "/" + layer;
    tar.add(root, "layers/" + layer);
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
        if (stop.stop_requested()) throw sys::Error(sys::Kind::busy, "stopped");
        tar.add(entry.path(), "layers/" + layer + entry.path().string().substr(root.size()));
    }
}

// Moves one layer out of an unpacked bundle; a layer that is in the store already is not touched.
void adopt_layer(const Store& store, const std::string& bundle, const Layer& layer) {
    const auto target = store.layers_directory() + "/" + layer.name;
    if (fs::exists(target)) return;
    const auto from = bundle + "/layers/" + layer.name;
    if (!fs::is_directory(from) || describe_tree(from).digest != layer.digest) {
        throw sys::Error(sys::Kind::invalid,
                         "the layer " + layer.name + " of the bundle is not what its record says");
    }
    fs::rename(from, target);
}

}  // namespace

std::vector<Record> with_dependencies(const std::vector<Record>& records, const std::string& name,
                                      const Range& range) {
    const auto* first = newest(records, name, range);
    if (first == nullptr)
        throw sys::Error(sys::Kind::not_found, "the package " + name + " is not installed");
    std::vector<Record> result{*first};
    for (std::size_t i = 0; i < result.size(); ++i) {
        for (const auto& dependency : std::vector{result[i].depends}) {
            const auto* record = newest(records, dependency, Range{.alternatives = {{}}});
            if (record == nullptr) {
                throw sys::Error(sys::Kind::not_found,
                                 "the package " + dependency + " is not installed");
            }
            if (std::ranges::find(result, *record) == result.end()) result.push_back(*record);
        }
    }
    return result;
}

void write_bundle(const Store& store, const std::vector<Record>& records, const std::string& file,
                  const ProgressSink& progress, std::stop_token stop) try {
    const auto half = file + ".part";
    {
        TarWriter tar{half};
        std::vector<std::string> written;
        for (const auto& record : records) {
            if (progress) progress({Progress::Step::finishing, record.name, file, 0, 0});
            for (const auto& layer : layer_names(record)) {
                if (std::ranges::find(written, layer) != written.end()) continue;
                written.push_back(layer);
                add_layer(tar, store, layer, stop);
            }
            tar.add_text("packages/" + record.name + "=" + record.version + ".json",
                         to_json(record));
        }
        tar.finish();
    }
    fs::rename(half, file);
} catch (const fs::filesystem_error& error) {
    throw sys::Error(sys::Kind::broken, std::string{"write the bundle: "} + error.what());
}

std::vector<Record> read_bundle(const Store& store, const Transaction& transaction,
                                const std::string& file) try {
    const auto staging = transaction.begin_layer();
    unpack(file, staging.directory(), {.absolute_links = true}, {.bytes = 64ULL << 30}, {});
    std::vector<Record> records;
    const auto directory = staging.path() + "/packages";
    if (!fs::is_directory(directory))
        throw sys::Error(sys::Kind::invalid, file + " is not a bundle of packages");
    for (const auto& entry : fs::directory_iterator{directory}) {
        if (!entry.is_regular_file() || entry.is_symlink()) continue;
        records.push_back(
            parse_record(sys::read_file(entry.path().string()), entry.path().filename().string()));
    }
    for (const auto& record : records) {
        for (const auto& layer : record.layers) adopt_layer(store, staging.path(), layer);
        for (const auto& added : record.libraries) adopt_layer(store, staging.path(), added.layer);
    }
    for (const auto& record : records) transaction.put(record);
    return records;
} catch (const fs::filesystem_error& error) {
    throw sys::Error(sys::Kind::broken, std::string{"read the bundle: "} + error.what());
}

}  // namespace packages
