#include "packages/available.h"

#include <algorithm>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/fetch.h"
#include "packages/index.h"

namespace packages {

namespace {

constexpr std::string_view debian_prefix = "debian:";
constexpr std::uint64_t largest_signature = 4096;

}  // namespace

std::vector<Offer> Available::offers() {
    trouble_.clear();
    auto offers = load_offers(settings_.recipe_directories);
    fill_in_debian_versions(offers);
    append_index(offers);
    return offers;
}

void Available::fill_in_debian_versions(std::vector<Offer>& offers) {
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

std::vector<Offer> Available::offers_for(const std::string& name, const ProgressSink& progress,
                                         std::stop_token stop) {
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
std::string Available::index_text() {
    const auto copy = store_.cache_directory() + "/index";
    const FetchPolicy policy{.schemes = {"https", "http", "file"},
                             .allow_private_addresses = settings_.allow_private_addresses,
                             .least_rate = settings_.least_rate};
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

void Available::append_index(std::vector<Offer>& offers) {
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

}  // namespace packages
