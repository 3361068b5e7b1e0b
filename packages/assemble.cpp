#include "packages/assemble.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/archive.h"
#include "packages/piston.h"
#include "packages/tree_writer.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_text = 64 << 20;
constexpr std::uint64_t largest_download = 4ULL << 30;

FetchPolicy policy_of(const InstallerSettings& settings) {
    FetchPolicy policy;
    policy.schemes = {"https", "http", "file"};
    policy.allow_private_addresses = settings.allow_private_addresses;
    policy.least_rate = settings.least_rate;
    return policy;
}

// A name for a download that tells it from all others, and to people what it is.
std::string cache_name(const Digest& digest, const std::string& name) {
    auto text = to_string(digest).substr(0, 40);
    std::ranges::replace(text, '/', '_');
    std::ranges::replace(text, ':', '-');
    return text + "-" + name;
}

Digest digest_of(const sys::UniqueFd& file, const Digest& wanted, const ArchiveLimits& limits,
                 std::stop_token stop) {
    if (wanted.algorithm == Digest::Algorithm::go_h1) return go_hash(file, limits, std::move(stop));
    return digest_of_file(file, wanted.algorithm);
}

void require_digest(const sys::UniqueFd& file, const Digest& wanted, const ArchiveLimits& limits,
                    const std::string& name, const std::stop_token& stop) {
    const auto actual = digest_of(file, wanted, limits, stop);
    if (actual == wanted) return;
    throw DigestError(name, wanted, actual);
}

void write_all(const sys::UniqueFd& file, std::string_view bytes, const std::string& name) {
    while (!bytes.empty()) {
        const auto written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) sys::fail("write " + name);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void add_file(const Staging& staging, const std::string& path, std::string_view text) {
    const Subject subject{.archive = "the recipe"};
    const auto file = TreeWriter{staging.directory(), subject}.create_file(path);
    write_all(file, text, path);
    const bool is_script = text.starts_with("#!");
    if (::fchmod(file.get(), is_script ? 0755 : 0644) != 0) sys::fail("chmod " + path);
}

void add_link(const Staging& staging, const std::string& path, const std::string& target) {
    const Subject subject{.archive = "the recipe"};
    check_link(path, target, true, {}, subject);
    TreeWriter{staging.directory(), subject}.make_symbolic_link(path, target);
}

// A downloaded file, copied under its own name.
void add_copy(const Staging& staging, const std::string& path, const sys::UniqueFd& from) {
    const Subject subject{.archive = "the recipe"};
    const auto file = TreeWriter{staging.directory(), subject}.create_file(path);
    off_t offset = 0;
    for (;;) {
        const auto copied = ::copy_file_range(from.get(), &offset, file.get(), nullptr, 1 << 30, 0);
        if (copied == 0) break;
        if (copied < 0 && errno != EINTR) sys::fail("copy " + path);
    }
    if (::fchmod(file.get(), 0644) != 0) sys::fail("chmod " + path);
}

// Libraries whose maintainer scripts choose among several implementations: the one that came along.
void choose_alternatives(const Staging& staging) {
    constexpr std::pair<const char*, const char*> choices[] = {
        {"libblas.so.3", "blas/libblas.so.3"}, {"liblapack.so.3", "lapack/liblapack.so.3"}};
    std::error_code error;
    const auto libraries = fs::path{staging.path()} / "usr/lib";
    for (const auto& triplet : fs::directory_iterator{libraries, error}) {
        for (const auto& [name, target] : choices) {
            const auto link = triplet.path() / name;
            if (fs::exists(triplet.path() / target, error) &&
                !fs::exists(fs::symlink_status(link, error)))
                fs::create_symlink(target, link);
        }
    }
}

std::string sha256_of(const std::string& path) {
    const auto text =
        to_string(digest_of_file(sys::open(path, O_RDONLY), Digest::Algorithm::sha256));
    return text.substr(text.find(':') + 1);
}

// The text of a file of a package of Piston's, read without following a link of its making.
std::string read_inside(const Staging& staging, const std::string& path) {
    const auto full = staging.path() + "/" + path;
    const auto file = sys::open(full, O_RDONLY | O_NOFOLLOW);
    std::string text(1 << 20, '\0');
    const auto length = ::read(file.get(), text.data(), text.size());
    if (length < 0) sys::fail("read " + path);
    text.resize(static_cast<std::size_t>(length));
    return text;
}

}  // namespace

Assembler::Assembler(const Store& store, const InstallerSettings& settings, Addresses& addresses,
                     Debian& debian, const ProgressSink& progress, std::stop_token stop)
    : store_(store),
      settings_(settings),
      addresses_(addresses),
      debian_(debian),
      progress_(progress),
      stop_(std::move(stop)) {
    sys::make_directories(store_.cache_directory() + "/downloads");
}

void Assembler::tell(Progress::Step step, const std::string& package, const std::string& object,
                     std::uint64_t done, std::uint64_t total) const {
    if (progress_) progress_({step, package, object, done, total});
}

std::string Assembler::fetch_text(const std::string& url) const {
    if (settings_.offline) {
        throw sys::Error(
            sys::Kind::not_found,
            "nothing is downloaded (packages.offline), and the cache lacks " + shown_url(url));
    }
    return packages::fetch_text(url, policy_of(settings_), largest_text, stop_);
}

sys::UniqueFd Assembler::obtain(const std::string& package, const std::string& url,
                                const Digest& digest, const std::string& name) {
    const ArchiveLimits limits{.bytes = settings_.most_bytes};
    const auto target = store_.cache_directory() + "/downloads/" + cache_name(digest, name);
    if (!fs::exists(target)) {
        if (settings_.offline) {
            throw sys::Error(
                sys::Kind::not_found,
                "nothing is downloaded (packages.offline), and the cache lacks " + name);
        }
        fetch(
            {.url = url,
             .target = target,
             .digest = digest,
             .most_bytes = std::min(largest_download, settings_.most_bytes)},
            policy_of(settings_),
            [&](std::uint64_t received, std::uint64_t total) {
                tell(Progress::Step::downloading, package, name, received, total);
            },
            stop_);
    }
    auto file = sys::open(target, O_RDONLY);
    // Of the very bytes that are unpacked: whatever happened to the file since it came.
    try {
        require_digest(file, digest, limits, name, stop_);
    } catch (const sys::Error&) {
        ::unlink(target.c_str());
        throw;
    }
    return file;
}

Assembled Assembler::assemble(const Package& package, const std::string& status_beneath,
                              const Staging& staging) {
    Assembled result;
    std::vector<std::string> debian_names;
    for (const auto& source : package.sources) {
        if (source.kind != Source::Kind::debian) continue;
        debian_names.insert(debian_names.end(), source.what.begin(), source.what.end());
    }
    if (!debian_names.empty()) {
        result = add_debian(package.name, debian_names, status_beneath, package.remove, staging);
    }
    for (const auto& source : package.sources) {
        if (source.kind == Source::Kind::debian) continue;
        tell(Progress::Step::resolving, package.name, source.what.front());
        const auto artifacts = artifacts_of(
            source, addresses_, [this](const std::string& url) { return fetch_text(url); });
        for (const auto& artifact : artifacts)
            result.parts.push_back(add_artifact(package.name, artifact, package.remove, staging));
    }
    tell(Progress::Step::finishing, package.name, "");
    for (const auto& [path, text] : package.files) add_file(staging, path, text);
    for (const auto& [path, target] : package.links) add_link(staging, path, target);
    return result;
}

Part Assembler::add_artifact(const std::string& package, const Artifact& artifact,
                             const std::vector<std::string>& remove, const Staging& staging) {
    const auto digest = parse_digest(artifact.digest);
    const auto file = obtain(package, artifact.url, digest, artifact.file_name);
    tell(Progress::Step::unpacking, package, artifact.file_name);
    if (artifact.unpack) {
        unpack(file, staging.directory(),
               {.name = artifact.file_name,
                .into = artifact.into,
                .strip = artifact.strip,
                .detect_programs = true,
                .remove = remove},
               {.bytes = settings_.most_bytes}, stop_);
    } else {
        const auto path =
            artifact.into.empty() ? artifact.file_name : artifact.into + "/" + artifact.file_name;
        add_copy(staging, path, file);
    }
    return {.name = artifact.file_name, .version = "", .digest = to_string(digest)};
}

Assembled Assembler::add_debian(const std::string& package, const std::vector<std::string>& names,
                                const std::string& status_beneath,
                                const std::vector<std::string>& remove, const Staging& staging) {
    tell(Progress::Step::resolving, package, names.front());
    const auto debs = debian_.resolve(names, status_beneath, stop_);
    const auto directory = store_.cache_directory() + "/debian";
    sys::make_directories(directory);
    debian_.download(
        debs, status_beneath, directory, sha256_of,
        [&](std::uint64_t done, std::uint64_t total) {
            tell(Progress::Step::downloading, package, "Debian packages", done, total);
        },
        stop_);
    Assembled result;
    std::uint64_t unpacked = 0;
    for (const auto& deb : debs) {
        tell(Progress::Step::unpacking, package, deb.name, unpacked++, debs.size());
        const auto digest = parse_digest("sha256:" + deb.sha256);
        const auto path = directory + "/" + deb.file_name;
        const auto file = sys::open(path, O_RDONLY);
        require_digest(file, digest, {}, deb.file_name, stop_);
        unpack(file, staging.directory(),
               {.name = deb.file_name,
                .merged_usr = true,
                .absolute_links = true,
                .drop_set_id = true,
                .remove = remove},
               {.bytes = settings_.most_bytes}, stop_);
        result.parts.push_back({deb.name, deb.version, to_string(digest)});
        result.dpkg_status += deb.stanza + "\n";
        ::unlink(path.c_str());
    }
    choose_alternatives(staging);
    return result;
}

Assembled Assembler::assemble_piston(const Offer& offer, const Staging& staging) {
    const auto prefix = piston_prefix(offer.name, offer.version);
    const auto digest = parse_digest(offer.digest);
    const auto name = offer.name + "-" + offer.version + ".pkg.tar.gz";
    const auto file = obtain(offer.name, offer.url, digest, name);
    tell(Progress::Step::unpacking, offer.name, name);
    // Piston's builds bring links into the system they were built on: the root is Debian as well.
    unpack(file, staging.directory(),
           {.name = name, .into = prefix, .absolute_links = true, .drop_set_id = true},
           {.bytes = settings_.most_bytes}, stop_);
    Assembled result;
    result.parts.push_back({name, offer.version, to_string(digest)});
    return result;
}

std::string read_piston_info(const Staging& staging, const std::string& prefix) {
    return read_inside(staging, prefix + "/pkg-info.json");
}

}  // namespace packages
