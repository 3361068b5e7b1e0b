#include "api/cli/backend.h"

#include <algorithm>
#include <compare>
#include <map>

#include "packages/version.h"

namespace cli {

namespace {

using packages::parse_version;

std::vector<std::string> languages_of(const packages::Record& record) {
    std::vector<std::string> languages;
    for (const auto& provided : record.provides) languages.push_back(provided.language);
    return languages;
}

// What is no version sorts before what is one.
bool is_before(const Listed& left, const Listed& right) {
    if (left.name != right.name) return left.name < right.name;
    const auto one = parse_version(left.version);
    const auto other = parse_version(right.version);
    if (!one || !other) return !one && other.has_value();
    return *one < *other;
}

bool is_release(const Listed& entry) {
    const auto version = parse_version(entry.version);
    return version && version->prerelease.empty();
}

}  // namespace

void complete(std::vector<Listed>& list) {
    std::ranges::stable_sort(list, is_before);
    std::map<std::string, Listed*> newest_installed;
    for (auto& entry : list) {
        if (entry.installed) newest_installed[entry.name] = &entry;
    }
    for (const auto& entry : list) {
        const auto found = newest_installed.find(entry.name);
        if (found == newest_installed.end() || !entry.available || !is_release(entry)) continue;
        if (is_before(*found->second, entry)) found->second->newer = entry.version;
    }
}

std::vector<Listed> listing(const std::vector<packages::Record>& records,
                            const std::vector<packages::Offer>& offers) {
    std::vector<Listed> list;
    for (const auto& record : records) {
        list.push_back({.name = record.name,
                        .version = record.version,
                        .summary = record.summary,
                        .source = record.source,
                        .languages = languages_of(record),
                        .installed = true,
                        .asked_for = record.asked_for,
                        .bytes = record.bytes()});
    }
    const auto installed = list.size();
    for (const auto& offer : offers) {
        const bool open = !parse_version(offer.version);
        bool known = false;
        for (std::size_t i = 0; i < installed; ++i) {
            if (list[i].name != offer.name) continue;
            known = known || open;
            if (list[i].version != offer.version) continue;
            known = list[i].available = true;
        }
        if (known) continue;
        list.push_back({.name = offer.name,
                        .version = offer.version,
                        .summary = offer.summary,
                        .source = offer.source,
                        .languages = offer.languages,
                        .available = true});
    }
    complete(list);
    return list;
}

}  // namespace cli
