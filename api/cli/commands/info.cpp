// info: everything known of one package, each version of it.
#include <ctime>
#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/table.h"
#include "api/cli/text.h"
#include "packages/version.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using Facts = std::vector<std::pair<std::string, std::string>>;

std::string date_of(std::int64_t seconds) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    if (::localtime_r(&time, &parts) == nullptr) return {};
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &parts)};
}

std::vector<std::string> names_of(const std::vector<packages::Part>& parts) {
    std::vector<std::string> names;
    for (const auto& part : parts) names.push_back(part.name + " " + part.version);
    return names;
}

std::vector<std::string> libraries_of(const packages::Record& record) {
    std::vector<std::string> names;
    for (const auto& added : record.libraries)
        names.insert(names.end(), added.names.begin(), added.names.end());
    return names;
}

std::vector<std::string> tests_of(const packages::Provided& provided) {
    std::vector<std::string> names;
    for (const auto& test : provided.tests) names.push_back(test.name);
    for (const auto& [name, reason] : provided.untested)
        names.push_back("no " + name + " (" + reason + ")");
    return names;
}

void add_runtimes(const std::vector<packages::Provided>& provides, Facts& facts) {
    for (const auto& provided : provides) {
        facts.emplace_back("runtime", provided.language + (provided.compile ? ", compiled" : ""));
        facts.emplace_back("  aliases", joined(provided.aliases, ", "));
        facts.emplace_back("  tests", joined(tests_of(provided), ", "));
    }
}

Facts facts_of(const packages::Record& record) {
    Facts facts{
        {"name", record.name},
        {"version", record.version},
        {"state", "installed " + date_of(record.installed_at) +
                      (record.asked_for ? "" : ", because another package needs it") +
                      (record.pending() ? ", its last step is to be done yet" : "")},
        {"trouble", record.trouble},
        {"summary", record.summary},
        {"source", record.source},
        {"size", human_size(record.bytes())},
        {"needs", joined(record.depends, ", ")},
        {"libraries", joined(libraries_of(record), ", ")},
        {"made from", joined(names_of(record.parts), ", ")},
    };
    add_runtimes(record.provides, facts);
    return facts;
}

Facts facts_of(const packages::Offer& offer) {
    Facts facts{
        {"name", offer.name},       {"version", offer.version}, {"state", "available"},
        {"summary", offer.summary}, {"source", offer.source},   {"address", offer.url},
    };
    if (offer.package) {
        facts.emplace_back("needs", joined(offer.package->depends, ", "));
        add_runtimes(offer.package->provides, facts);
    } else {
        facts.emplace_back("languages", joined(offer.languages, ", "));
    }
    return facts;
}

Json json_of(const packages::Record& record) {
    auto json = Json::parse(packages::to_json(record), nullptr, false);
    // What dpkg must know is of no use to anybody else, and most of the text.
    if (json.is_object()) json.erase("dpkg_status");
    return json;
}

Json json_of(const packages::Offer& offer) {
    return {{"name", offer.name},     {"version", offer.version},     {"summary", offer.summary},
            {"source", offer.source}, {"languages", offer.languages}, {"url", offer.url},
            {"digest", offer.digest}};
}

struct Found {
    std::vector<packages::Record> records;
    std::vector<packages::Offer> offers;  // of versions that are not installed
};

Found find(Local& local, const packages::Request& request) {
    const auto range = packages::parse_range(request.range);
    if (!range) throw Failure(ExitCode::usage, "no range of versions: " + printable(request.range));
    // Without a range, pre-releases are told of as well.
    const auto fits = [&](const std::string& name, const std::string& text) {
        const auto version = packages::parse_version(text);
        if (name != request.name) return false;
        return request.range == "*" || (version && range->contains(*version));
    };
    Found found;
    for (const auto& record : local.store().installed()) {
        if (fits(record.name, record.version)) found.records.push_back(record);
    }
    for (const auto& offer : local.installer().offers()) {
        const auto has_it = [&](const packages::Record& record) {
            return record.version == offer.version;
        };
        const bool installed = std::ranges::any_of(found.records, has_it);
        if (!installed && fits(offer.name, offer.version)) found.offers.push_back(offer);
    }
    return found;
}

std::string json_text(const Found& found) {
    auto json = Json{{"installed", Json::array()}, {"available", Json::array()}};
    for (const auto& record : found.records) json["installed"].push_back(json_of(record));
    for (const auto& offer : found.offers) json["available"].push_back(json_of(offer));
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string text(const Found& found, Colours colours) {
    std::vector<std::string> blocks;
    for (const auto& record : found.records)
        blocks.push_back(render_facts(facts_of(record), colours));
    for (const auto& offer : found.offers) blocks.push_back(render_facts(facts_of(offer), colours));
    return joined(blocks, "\n");
}

}  // namespace

ExitCode info(Session& session, const InfoOptions& options) {
    session.refuse_remote("info");
    const auto request = requests_of({options.name}).front();
    const auto found = find(session.local(), request);
    if (found.records.empty() && found.offers.empty())
        throw Failure(ExitCode::not_found, "there is no package " + text_of(request));
    session.print(options.json ? json_text(found) : text(found, session.terminal().colours));
    return ExitCode::done;
}

}  // namespace cli
