// runtimes: what an engine can run right now.
#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/table.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;

std::string text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::vector<Cell> row_of(const Json& runtime) {
    std::vector<std::string> aliases;
    for (const auto& alias : runtime.value("aliases", Json::array())) {
        if (alias.is_string()) aliases.push_back(alias.get<std::string>());
    }
    return {{text_at(runtime, "language")},
            {text_at(runtime, "version")},
            {text_at(runtime, "runtime")},
            {joined(aliases, ", "), Tint::dim}};
}

}  // namespace

ExitCode runtimes(Session& session, const RuntimesOptions& options) {
    const auto engine = session.engine();
    const auto answer = engine.get("/api/v2/runtimes", session.stop());
    throw_unless_good(answer);
    const auto json = Json::parse(answer.body, nullptr, false);
    if (!json.is_array()) throw sys::Error(sys::Kind::broken, "the engine's runtimes are no list");
    if (options.json) {
        session.print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
        return ExitCode::done;
    }
    Table table{.columns = {{"LANGUAGE"}, {"VERSION"}, {"PACKAGE"}, {"ALIASES"}}, .rows = {}};
    for (const auto& runtime : json) {
        if (runtime.is_object()) table.rows.push_back(row_of(runtime));
    }
    session.print(render(table, session.terminal().table_width, session.terminal().colours));
    return ExitCode::done;
}

}  // namespace cli
