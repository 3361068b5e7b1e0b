// list, search, ppman list: what there is.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/table.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;

Cell state_of(const Listed& entry) {
    if (!entry.newer.empty()) return {"installed, newer: " + entry.newer, Tint::yellow};
    if (entry.installed) return {"installed", Tint::green};
    return {"available"};
}

// "debian:…" is Debian's version, whatever it is; nobody has asked yet.
Cell version_of(const Listed& entry) {
    if (entry.version.find(':') != std::string::npos) return {"Debian's", Tint::dim};
    return {entry.version};
}

Table table_of(const std::vector<Listed>& list) {
    Table table{.columns = {{"NAME"}, {"VERSION"}, {"STATE"}, {"SIZE", Side::right}, {"SUMMARY"}},
                .rows = {}};
    for (const auto& entry : list) {
        table.rows.push_back({{entry.name},
                              version_of(entry),
                              state_of(entry),
                              {entry.bytes > 0 ? human_size(entry.bytes) : ""},
                              {entry.summary, Tint::dim}});
    }
    return table;
}

std::string json_of(const std::vector<Listed>& list) {
    auto json = Json::array();
    for (const auto& entry : list) {
        json.push_back({{"name", entry.name},
                        {"version", entry.version},
                        {"summary", entry.summary},
                        {"source", entry.source},
                        {"languages", entry.languages},
                        {"installed", entry.installed},
                        {"available", entry.available},
                        {"newer", entry.newer.empty() ? Json{} : Json(entry.newer)},
                        {"bytes", entry.bytes}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void show(Session& session, const std::vector<Listed>& list, bool json) {
    const auto& terminal = session.terminal();
    session.print(json ? json_of(list)
                       : render(table_of(list), terminal.table_width, terminal.colours));
    const auto trouble = session.backend().trouble();
    if (!trouble.empty()) session.complain(printable(trouble));
}

bool is_wanted(const Listed& entry, const ListOptions& options) {
    if (options.upgradable) return !entry.newer.empty();
    if (options.installed) return entry.installed;
    if (options.available) return !entry.installed;
    return true;
}

// Only what every user may read; who completes a line behind `sudo` is not root yet. What cannot be
// read offers nothing.
std::set<std::string> names_at_hand(Session& session, const ListOptions& options) {
    std::set<std::string> names;
    std::error_code ignored;
    const auto& data = session.settings().paths.data_directory;
    for (const auto& entry : std::filesystem::directory_iterator{data + "/packages", ignored}) {
        const auto file = entry.path().filename().string();
        if (file.ends_with(".json")) names.insert(file.substr(0, file.find('=')));
    }
    if (options.installed) return names;
    try {
        for (const auto& offer : packages::load_offers(session.recipe_directories()))
            names.insert(offer.name);
    } catch (const sys::Error&) {
        return names;
    }
    return names;
}

ExitCode list_names(Session& session, const ListOptions& options) {
    if (session.remote()) {
        std::set<std::string> names;
        for (const auto& entry : session.backend().list()) names.insert(entry.name);
        for (const auto& name : names) session.print(printable(name) + "\n");
        return ExitCode::done;
    }
    for (const auto& name : names_at_hand(session, options)) session.print(printable(name) + "\n");
    return ExitCode::done;
}

bool matches(const Listed& entry, const std::string& word) {
    const auto has = [&](const std::string& text) {
        return lower_case(text).find(word) != std::string::npos;
    };
    return has(entry.name) || has(entry.summary) || std::ranges::any_of(entry.languages, has);
}

}  // namespace

ExitCode list(Session& session, const ListOptions& options) {
    if (options.names) return list_names(session, options);
    auto list = session.backend().list();
    std::erase_if(list, [&](const Listed& entry) { return !is_wanted(entry, options); });
    show(session, list, options.json);
    return ExitCode::done;
}

ExitCode search(Session& session, const SearchOptions& options) {
    auto list = session.backend().list();
    const auto word = lower_case(options.word);
    std::erase_if(list, [&](const Listed& entry) { return !matches(entry, word); });
    show(session, list, options.json);
    if (!list.empty()) return ExitCode::done;
    throw Failure(ExitCode::not_found,
                  "no package has " + printable(options.word) + " in its name or summary");
}

ExitCode piston_list(Session& session) {
    for (const auto& entry : session.backend().list()) {
        const auto bullet = session.paint("•", entry.installed ? Tint::green : Tint::red);
        session.print(bullet + " " + printable(entry.name + " " + entry.version) + "\n");
    }
    return ExitCode::done;
}

}  // namespace cli
