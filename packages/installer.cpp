#include "packages/installer.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <set>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/assemble.h"
#include "packages/available.h"
#include "packages/bundle.h"
#include "packages/libraries.h"
#include "packages/piston.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

constexpr const char* base = "base";

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

std::string versions_of(const std::vector<Offer>& offers, const std::string& name) {
    std::string list;
    for (const auto& offer : offers) {
        if (offer.name == name) list += (list.empty() ? "" : ", ") + offer.version;
    }
    return list;
}

[[noreturn]] void refuse_unknown(const std::vector<Offer>& offers, const std::string& name) {
    const auto versions = versions_of(offers, name);
    throw sys::Error(sys::Kind::not_found,
                     versions.empty() ? "there is no package " + name
                                      : "of the package " + name + " there is only " + versions);
}

// What has to be there first; beneath everything the base.
std::vector<std::string> depends_of(const Offer& offer) {
    if (offer.name == base) return {};
    auto depends = offer.package ? offer.package->depends : std::vector<std::string>{};
    if (std::ranges::find(depends, base) == depends.end()) depends.emplace_back(base);
    return depends;
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
        .least_rate = own.least_rate.count,
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

// What every step of one operation needs.
struct Errand {
    const Transaction& transaction;
    const ProgressSink& progress;
    std::stop_token stop;
};

// What the public functions share: the sources and what they said last.
class Installer::Work {
public:
    Work(const Store& store, const InstallerSettings& settings)
        : store_(store),
          settings_(settings),
          addresses_({settings.npm, settings.pypi, settings.maven, settings.go}),
          debian_({.directory = store.cache_directory() + "/apt", .offline = settings.offline}),
          available_(store, settings, debian_) {}

    Available& available() { return available_; }

    Record install(const Errand& errand, const std::string& name, const Range& range,
                   bool asked_for, std::vector<std::string> chain);
    Record add_libraries(const Errand& errand, Record record,
                         const std::vector<std::string>& names);

private:
    std::optional<Record> find_installed(const Range& range, const std::string& name) const;
    static Record keep(const Errand& errand, Record record, bool asked_for);
    Record build(const Errand& errand, const Offer& offer, const std::vector<std::string>& depends);
    std::vector<Part> run_client_into(const Errand& errand, const Record& record,
                                      const std::vector<std::string>& names,
                                      const Staging& staging);
    std::vector<Part> fill_libraries(const Errand& errand, const Record& record,
                                     const std::vector<std::string>& names, const Staging& staging);
    std::string status_beneath(const std::vector<std::string>& depends) const;

    const Store& store_;
    const InstallerSettings& settings_;
    Addresses addresses_;
    Debian debian_;
    Available available_;
};

// ---- installing ---------------------------------------------------------------------------------

Record Installer::Work::install(const Errand& errand, const std::string& name, const Range& range,
                                bool asked_for, std::vector<std::string> chain) {
    if (chain.size() > deepest || std::ranges::find(chain, name) != chain.end()) {
        throw sys::Error(sys::Kind::invalid, "the package " + name + " depends on itself");
    }
    chain.push_back(name);
    const auto all = available_.offers_for(name, errand.progress, errand.stop);
    const auto* offer = newest_offer(all, name, range);
    // What is there may come from a bundle, or from a recipe that is gone.
    if (const auto there = find_installed(offer ? *parse_range(offer->version) : range, name))
        return keep(errand, *there, asked_for);
    if (offer == nullptr) refuse_unknown(all, name);

    const auto depends = depends_of(*offer);
    for (const auto& dependency : depends) {
        if (!find_installed(any_version(), dependency))
            install(errand, dependency, any_version(), false, chain);
    }
    auto record = build(errand, *offer, depends);
    record.asked_for = asked_for;
    errand.transaction.put(record);
    return record;
}

std::optional<Record> Installer::Work::find_installed(const Range& range,
                                                      const std::string& name) const {
    const auto records = store_.installed();
    const auto* record = newest(records, name, range);
    return record ? std::optional{*record} : std::nullopt;
}

// It may have come as a dependency only; from now on somebody wants it for itself.
Record Installer::Work::keep(const Errand& errand, Record record, bool asked_for) {
    if (asked_for && !record.asked_for) {
        record.asked_for = true;
        errand.transaction.put(record);
    }
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

Record Installer::Work::build(const Errand& errand, const Offer& offer,
                              const std::vector<std::string>& depends) {
    Assembler assembler{store_, settings_, addresses_, debian_, errand.progress, errand.stop};
    auto staging = errand.transaction.begin_layer();
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
    if (errand.progress) errand.progress({Progress::Step::finishing, offer.name, "", 0, 0});
    record.parts = std::move(assembled.parts);
    record.dpkg_status = std::move(assembled.dpkg_status);
    record.layers = {errand.transaction.publish(std::move(staging), offer.name, offer.version)};
    record.installed_at = std::time(nullptr);
    return record;
}

// ---- libraries ----------------------------------------------------------------------------------

std::vector<Part> Installer::Work::run_client_into(const Errand& errand, const Record& record,
                                                   const std::vector<std::string>& names,
                                                   const Staging& staging) {
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
        run_client(pip_command(names, target, addresses_), errand.stop);
        return parse_pip_report(sys::read_file(target.cache + "/report.json"));
    }
    run_client(npm_command(names, target, addresses_), errand.stop);
    return parse_npm_lock(sys::read_file(target.directory + "/node_modules/.package-lock.json"));
}

// The files of the libraries, in the directory; what they were made of.
std::vector<Part> Installer::Work::fill_libraries(const Errand& errand, const Record& record,
                                                  const std::vector<std::string>& names,
                                                  const Staging& staging) {
    const auto& source = *record.library_source;
    Assembler assembler{store_, settings_, addresses_, debian_, errand.progress, errand.stop};
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
            if (errand.progress)
                errand.progress({Progress::Step::downloading, record.name, "libraries", 0, 0});
            return run_client_into(errand, record, names, staging);
        case Source::Kind::maven: {
            std::vector<Part> parts;
            const auto artifacts =
                maven_libraries(names, source.into, addresses_,
                                [&](const std::string& url) { return assembler.fetch_text(url); });
            parts.reserve(artifacts.size());
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

Record Installer::Work::add_libraries(const Errand& errand, Record record,
                                      const std::vector<std::string>& names) {
    if (!record.library_source) {
        throw sys::Error(sys::Kind::invalid, "libraries cannot be added to " + record.name +
                                                 ": its recipe says no way");
    }
    for (const auto& name : names) parse_library(record.library_source->kind, name);
    auto staging = errand.transaction.begin_layer();
    AddedLibraries added{.names = names};
    added.parts = fill_libraries(errand, record, names, staging);
    if (errand.progress)
        errand.progress({Progress::Step::finishing, record.name, "libraries", 0, 0});
    added.layer =
        errand.transaction.publish(std::move(staging), record.name + "-with", record.version);
    // The same again, perhaps newer, takes the place of what was there.
    std::erase_if(record.libraries,
                  [&](const AddedLibraries& earlier) { return earlier.names == names; });
    record.libraries.insert(record.libraries.begin(), std::move(added));
    if (record.pending_setup.empty()) record.stale_setup = record.library_source->setup;
    errand.transaction.put(record);
    return record;
}

// ---- the public face ----------------------------------------------------------------------------

Installer::Installer(const Store& store, InstallerSettings settings)
    : store_(store),
      settings_(std::move(settings)),
      work_(std::make_unique<Work>(store_, settings_)) {}

Installer::~Installer() = default;

std::vector<Offer> Installer::offers() {
    return work_->available().offers();
}

std::string Installer::trouble() const {
    return work_->available().trouble();
}

Record Installer::install(const Request& request, const ProgressSink& progress,
                          std::stop_token stop) {
    const auto range = range_of(request);
    const auto transaction = store_.begin([&] {
        if (progress) progress({Progress::Step::waiting, request.name, "", 0, 0});
    });
    const Errand errand{transaction, progress, std::move(stop)};
    auto record = work_->install(errand, request.name, range, true, {});
    if (!request.libraries.empty())
        record = work_->add_libraries(errand, std::move(record), request.libraries);
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
