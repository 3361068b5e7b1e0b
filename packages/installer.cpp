#include "packages/installer.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <set>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/assemble.h"
#include "packages/bundle.h"
#include "packages/index.h"
#include "packages/libraries.h"
#include "packages/piston.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

constexpr const char* base = "base";
constexpr std::string_view debian_prefix = "debian:";
constexpr std::uint64_t largest_signature = 4096;

// Deeper than any package; deep enough to notice a circle of dependencies.
constexpr std::size_t deepest = 16;

const Range& any_version() {
    static const Range range{.alternatives = {{}}};
    return range;
}

Range range_of(const Request& request) {
    auto range = parse_range(request.range);
    if (!range) {
        throw sys::Error(sys::Kind::invalid,
                         "\"" + request.range + "\" is no version and no range of versions");
    }
    return *range;
}

// The newest offer of that name in the range; null if there is none. Those whose version nobody
// knows yet count only for "*".
const Offer* newest_offer(const std::vector<Offer>& offers, const std::string& name,
                          const Range& range) {
    const Offer* best = nullptr;
    std::optional<Version> best_version;
    for (const auto& offer : offers) {
        const auto version = parse_version(offer.version);
        if (offer.name != name || !version || !range.contains(*version)) continue;
        if (!best || *best_version < *version) {
            best = &offer;
            best_version = version;
        }
    }
    return best;
}

bool is_installed(const std::vector<Record>& records, const Offer& offer) {
    return std::ranges::any_of(records, [&](const Record& record) {
        return record.name == offer.name && record.version == offer.version;
    });
}

std::string versions_of(const std::vector<Offer>& offers, const std::string& name) {
    std::string list;
    for (const auto& offer : offers) {
        if (offer.name == name) list += (list.empty() ? "" : ", ") + offer.version;
    }
    return list;
}

}  // namespace

InstallerSettings installer_settings(const config::Settings& settings, const std::string& recipes) {
    const auto& own = settings.packages;
    InstallerSettings result{
        .recipe_directories = {recipes},
        .index_url = own.index,
        .index_key = own.index_key,
        .npm = own.npm,
        .pypi = own.pypi,
        .maven = own.maven,
        .go = own.go,
        .offline = own.offline,
    };
    if (!own.recipes.empty()) result.recipe_directories.push_back(own.recipes);
    return result;
}

Request parse_request(const std::string& text) {
    const auto sign = text.find_first_of("=@");
    Request request{.name = text.substr(0, sign), .range = "*", .libraries = {}};
    if (sign != std::string::npos) request.range = text.substr(sign + 1);
    if (!is_package_name(request.name)) {
        throw sys::Error(sys::Kind::invalid, "\"" + request.name + "\" is not a package's name");
    }
    range_of(request);
    return request;
}

// What the public functions share: the sources and what they said last.
class Installer::Work {
public:
    Work(const Store& store, const InstallerSettings& settings)
        : store_(store),
          settings_(settings),
          addresses_({settings.npm, settings.pypi, settings.maven, settings.go}),
          debian_({.directory = store.cache_directory() + "/apt", .offline = settings.offline}) {}

    std::vector<Offer> offers();
    // The offers with Debian's versions of these packages, asked for if nobody knows them.
    std::vector<Offer> offers_for(const std::string& name, const ProgressSink& progress,
                                  std::stop_token stop);
    const std::string& trouble() const { return trouble_; }

    Record install(const Transaction& transaction, const std::string& name, const Range& range,
                   bool asked_for, std::vector<std::string> chain, const ProgressSink& progress,
                   std::stop_token stop);
    Record add_libraries(const Transaction& transaction, Record record,
                         const std::vector<std::string>& names, const ProgressSink& progress,
                         std::stop_token stop);

private:
    void fill_in_debian_versions(std::vector<Offer>& offers);
    void append_index(std::vector<Offer>& offers);
    std::string index_text();
    Record build(const Transaction& transaction, const Offer& offer,
                 const std::vector<std::string>& depends, const ProgressSink& progress,
                 std::stop_token stop);
    std::vector<Part> run_client_into(const Record& record, const std::vector<std::string>& names,
                                      const Staging& staging, std::stop_token stop);
    std::vector<Part> fill_libraries(const Record& record, const std::vector<std::string>& names,
                                     const Staging& staging, const ProgressSink& progress,
                                     std::stop_token stop);
    std::string status_beneath(const std::vector<std::string>& depends) const;

    const Store& store_;
    const InstallerSettings& settings_;
    Addresses addresses_;
    Debian debian_;
    std::string trouble_;
};

// ---- what there is ------------------------------------------------------------------------------

std::vector<Offer> Installer::Work::offers() {
    trouble_.clear();
    auto offers = load_offers(settings_.recipe_directories);
    fill_in_debian_versions(offers);
    append_index(offers);
    return offers;
}

void Installer::Work::fill_in_debian_versions(std::vector<Offer>& offers) {
    std::vector<std::string> names;
    for (const auto& offer : offers) {
        if (offer.version.starts_with(debian_prefix))
            names.push_back(offer.version.substr(debian_prefix.size()));
    }
    if (names.empty()) return;
    auto versions = debian_.candidate_versions(names);
    if (versions.empty() && !settings_.offline) {
        // The first time here: the package lists have to be fetched.
        try {
            debian_.candidate_version(names.front());
            versions = debian_.candidate_versions(names);
        } catch (const sys::Error& error) {
            trouble_ = std::string{"Debian's package lists cannot be had: "} + error.what();
        }
    }
    for (auto& offer : offers) {
        if (!offer.version.starts_with(debian_prefix)) continue;
        const auto found = versions.find(offer.version.substr(debian_prefix.size()));
        if (found != versions.end()) offer.version = found->second;
    }
}

std::vector<Offer> Installer::Work::offers_for(const std::string& name,
                                               const ProgressSink& progress, std::stop_token stop) {
    auto all = offers();
    const bool is_unknown = std::ranges::any_of(all, [&](const Offer& offer) {
        return offer.name == name && offer.version.starts_with(debian_prefix);
    });
    if (!is_unknown) return all;
    if (progress) progress({Progress::Step::resolving, name, "package lists", 0, 0});
    for (auto& offer : all) {
        if (offer.name == name && offer.version.starts_with(debian_prefix)) {
            offer.version =
                debian_.candidate_version(offer.version.substr(debian_prefix.size()), stop);
        }
    }
    return all;
}

// The index as it is, or its last copy where it cannot be had.
std::string Installer::Work::index_text() {
    const auto copy = store_.cache_directory() + "/index";
    const FetchPolicy policy{.schemes = {"https", "http", "file"},
                             .allow_private_addresses = settings_.allow_private_addresses};
    try {
        if (settings_.offline) throw sys::Error(sys::Kind::not_found, "packages.offline is set");
        auto text = fetch_text(settings_.index_url, policy, max_index_bytes, {});
        if (!settings_.index_key.empty()) {
            const auto signature =
                fetch_text(settings_.index_url + ".sig", policy, largest_signature, {});
            verify_signature(text, signature, settings_.index_key);
        }
        sys::replace_file(copy, text);
        return text;
    } catch (const sys::Error& error) {
        trouble_ = std::string{"the package index cannot be used: "} + error.what();
        auto old = sys::try_read_file(copy);
        return old ? *old : std::string{};
    }
}

void Installer::Work::append_index(std::vector<Offer>& offers) {
    if (settings_.index_url.empty()) return;
    const auto index = parse_index(index_text());
    for (const auto& problem : index.problems) {
        trouble_ += (trouble_.empty() ? "the package index, line " : "; line ") +
                    std::to_string(problem.line) + ": " + problem.why;
    }
    for (const auto& entry : index.entries) {
        offers.push_back({.name = entry.package,
                          .version = entry.version,
                          .summary = "a package of Piston's",
                          .source = "piston",
                          .languages = {},
                          .package = {},
                          .url = entry.url,
                          .digest = to_string(entry.digest)});
    }
}

// ---- installing ---------------------------------------------------------------------------------

Record Installer::Work::install(const Transaction& transaction, const std::string& name,
                                const Range& range, bool asked_for, std::vector<std::string> chain,
                                const ProgressSink& progress, std::stop_token stop) {
    if (chain.size() > deepest || std::ranges::find(chain, name) != chain.end()) {
        throw sys::Error(sys::Kind::invalid, "the package " + name + " depends on itself");
    }
    chain.push_back(name);
    const auto all = offers_for(name, progress, stop);
    const auto* offer = newest_offer(all, name, range);
    const auto records = store_.installed();
    if (offer == nullptr || is_installed(records, *offer)) {
        // What is there may come from a bundle, or from a recipe that is gone.
        const auto* there = newest(records, name, offer ? *parse_range(offer->version) : range);
        if (there != nullptr) {
            auto record = *there;
            if (asked_for && !record.asked_for) {
                record.asked_for = true;
                transaction.put(record);
            }
            return record;
        }
        const auto versions = versions_of(all, name);
        throw sys::Error(sys::Kind::not_found, versions.empty() ? "there is no package " + name
                                                                : "of the package " + name +
                                                                      " there is only " + versions);
    }
    auto depends = offer->package ? offer->package->depends : std::vector<std::string>{};
    if (name != base && std::ranges::find(depends, base) == depends.end()) depends.push_back(base);
    if (name == base) depends.clear();
    for (const auto& dependency : depends) {
        if (newest(store_.installed(), dependency, any_version()) == nullptr)
            install(transaction, dependency, any_version(), false, chain, progress, stop);
    }
    auto record = build(transaction, *offer, depends, progress, stop);
    record.asked_for = asked_for;
    transaction.put(record);
    return record;
}

// The dpkg stanzas of everything beneath, as often as there are layers; apt takes the last of
// equals.
std::string Installer::Work::status_beneath(const std::vector<std::string>& depends) const {
    const auto records = store_.installed();
    std::set<std::string> seen;
    std::string status;
    auto left = depends;
    while (!left.empty()) {
        const auto name = left.back();
        left.pop_back();
        const auto* record = newest(records, name, any_version());
        if (record == nullptr || !seen.insert(name).second) continue;
        status += record->dpkg_status;
        left.insert(left.end(), record->depends.begin(), record->depends.end());
    }
    return status;
}

Record Installer::Work::build(const Transaction& transaction, const Offer& offer,
                              const std::vector<std::string>& depends, const ProgressSink& progress,
                              std::stop_token stop) {
    Assembler assembler{store_, settings_, addresses_, debian_, progress, stop};
    auto staging = transaction.begin_layer();
    Record record{.name = offer.name,
                  .version = offer.version,
                  .summary = offer.summary,
                  .source = offer.source,
                  .depends = depends};
    Assembled assembled;
    if (offer.package) {
        assembled = assembler.assemble(*offer.package, status_beneath(depends), staging);
        record.provides = offer.package->provides;
        record.library_source = offer.package->libraries;
        record.pending_setup = offer.package->setup;
    } else {
        assembled = assembler.assemble_piston(offer, staging);
        const auto prefix = piston_prefix(offer.name, offer.version);
        const bool compiled = fs::exists(staging.path() + "/" + prefix + "/compile");
        record.provides = piston_runtimes(read_piston_info(staging, prefix), prefix, compiled);
        record.pending_environment = piston_environment_script(prefix);
    }
    if (progress) progress({Progress::Step::finishing, offer.name, "", 0, 0});
    record.parts = std::move(assembled.parts);
    record.dpkg_status = std::move(assembled.dpkg_status);
    record.layers = {transaction.publish(std::move(staging), offer.name, offer.version)};
    record.installed_at = std::time(nullptr);
    return record;
}

// ---- libraries ----------------------------------------------------------------------------------

std::vector<Part> Installer::Work::run_client_into(const Record& record,
                                                   const std::vector<std::string>& names,
                                                   const Staging& staging, std::stop_token stop) {
    if (settings_.offline)
        throw sys::Error(sys::Kind::not_found, "nothing is downloaded (packages.offline)");
    const auto& source = *record.library_source;
    const auto version = *parse_version(record.version);
    const LibraryTarget target{
        .directory = staging.path() + "/" + source.into,
        .cache = store_.cache_directory() + "/clients",
        .python_version = std::to_string(version.major) + "." + std::to_string(version.minor)};
    sys::make_directories(target.directory);
    sys::make_directories(target.cache);
    if (source.kind == Source::Kind::pypi) {
        run_client(pip_command(names, target, addresses_), std::move(stop));
        return parse_pip_report(sys::read_file(target.cache + "/report.json"));
    }
    run_client(npm_command(names, target, addresses_), std::move(stop));
    return parse_npm_lock(sys::read_file(target.directory + "/node_modules/.package-lock.json"));
}

// The files of the libraries, in the directory; what they were made of.
std::vector<Part> Installer::Work::fill_libraries(const Record& record,
                                                  const std::vector<std::string>& names,
                                                  const Staging& staging,
                                                  const ProgressSink& progress,
                                                  std::stop_token stop) {
    const auto& source = *record.library_source;
    Assembler assembler{store_, settings_, addresses_, debian_, progress, stop};
    switch (source.kind) {
        case Source::Kind::debian: {
            const auto beneath = record.dpkg_status + status_beneath(record.depends);
            return assembler
                .add_debian(record.name, debian_libraries(source, names), beneath,
                            {"usr/share/doc", "usr/share/man"}, staging)
                .parts;
        }
        case Source::Kind::pypi:
        case Source::Kind::npm:
            if (progress) progress({Progress::Step::downloading, record.name, "libraries", 0, 0});
            return run_client_into(record, names, staging, std::move(stop));
        case Source::Kind::maven: {
            std::vector<Part> parts;
            const auto artifacts =
                maven_libraries(names, source.into, addresses_,
                                [&](const std::string& url) { return assembler.fetch_text(url); });
            for (const auto& artifact : artifacts)
                parts.push_back(assembler.add_artifact(record.name, artifact, {}, staging));
            return parts;
        }
        case Source::Kind::go:
        case Source::Kind::url:
            break;
    }
    throw sys::Error(sys::Kind::invalid, record.name + " takes no libraries");
}

Record Installer::Work::add_libraries(const Transaction& transaction, Record record,
                                      const std::vector<std::string>& names,
                                      const ProgressSink& progress, std::stop_token stop) {
    if (!record.library_source) {
        throw sys::Error(sys::Kind::invalid, "libraries cannot be added to " + record.name +
                                                 ": its recipe says no way");
    }
    for (const auto& name : names) parse_library(record.library_source->kind, name);
    auto staging = transaction.begin_layer();
    AddedLibraries added{.names = names};
    added.parts = fill_libraries(record, names, staging, progress, stop);
    if (progress) progress({Progress::Step::finishing, record.name, "libraries", 0, 0});
    added.layer = transaction.publish(std::move(staging), record.name + "-with", record.version);
    // The same again, perhaps newer, takes the place of what was there.
    std::erase_if(record.libraries,
                  [&](const AddedLibraries& earlier) { return earlier.names == names; });
    record.libraries.insert(record.libraries.begin(), std::move(added));
    transaction.put(record);
    return record;
}

// ---- the public face ----------------------------------------------------------------------------

Installer::Installer(const Store& store, InstallerSettings settings)
    : store_(store),
      settings_(std::move(settings)),
      work_(std::make_unique<Work>(store_, settings_)) {}

Installer::~Installer() = default;

std::vector<Offer> Installer::offers() {
    return work_->offers();
}

std::string Installer::trouble() const {
    return work_->trouble();
}

Record Installer::install(const Request& request, const ProgressSink& progress,
                          std::stop_token stop) {
    const auto range = range_of(request);
    const auto transaction = store_.begin([&] {
        if (progress) progress({Progress::Step::waiting, request.name, "", 0, 0});
    });
    auto record = work_->install(transaction, request.name, range, true, {}, progress, stop);
    if (!request.libraries.empty()) {
        record =
            work_->add_libraries(transaction, std::move(record), request.libraries, progress, stop);
    }
    return record;
}

Record Installer::uninstall(const Request& request) {
    const auto range = range_of(request);
    const auto transaction = store_.begin();
    const auto records = store_.installed();
    const auto* record = newest(records, request.name, range);
    if (record == nullptr) {
        throw sys::Error(
            sys::Kind::not_found,
            request.name + (request.range == "*" ? "" : "=" + request.range) + " is not installed");
    }
    const auto needs_it = [&](const Record& other) {
        return std::ranges::find(other.depends, record->name) != other.depends.end();
    };
    const bool is_last = std::ranges::count(records, record->name, &Record::name) == 1;
    const auto other = std::ranges::find_if(records, needs_it);
    if (is_last && other != records.end()) {
        throw sys::Error(sys::Kind::invalid, record->name + " cannot be removed: " + other->name +
                                                 "=" + other->version + " depends on it");
    }
    transaction.remove(record->name, record->version);
    return *record;
}

std::vector<Request> Installer::upgrades() {
    const auto all = offers();
    std::set<std::string> names;
    for (const auto& record : store_.installed()) names.insert(record.name);
    std::vector<Request> result;
    for (const auto& name : names) {
        const auto* offer = newest_offer(all, name, any_version());
        const auto records = store_.installed();
        const auto* there = newest(records, name, any_version());
        if (offer == nullptr || there == nullptr) continue;
        if (*parse_version(there->version) < *parse_version(offer->version))
            result.push_back({.name = name, .range = offer->version, .libraries = {}});
    }
    return result;
}

void Installer::bundle(const std::vector<Request>& requests, const std::string& file,
                       const ProgressSink& progress, std::stop_token stop) {
    for (const auto& request : requests) install(request, progress, stop);
    const auto transaction = store_.begin();
    const auto records = store_.installed();
    std::vector<Record> wanted;
    for (const auto& request : requests) {
        for (const auto& record : with_dependencies(records, request.name, range_of(request))) {
            if (std::ranges::find(wanted, record) == wanted.end()) wanted.push_back(record);
        }
    }
    write_bundle(store_, wanted, file, progress, stop);
}

std::vector<Request> Installer::unbundle(const std::string& file) {
    const auto transaction = store_.begin();
    std::vector<Request> result;
    for (const auto& record : read_bundle(store_, transaction, file)) {
        if (record.asked_for)
            result.push_back({.name = record.name, .range = record.version, .libraries = {}});
    }
    return result;
}

}  // namespace packages
