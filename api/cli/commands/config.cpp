// config show and config check: the settings the daemon would use, and where each comes from.
#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "config/show.h"

namespace cli {

namespace {

void take_flags(Session& session, const ConfigOptions& options) {
    session.refuse_remote("config");
    if (!options.file.empty()) session.read_settings_from(options.file);
    if (!options.listen.empty()) session.add_setting("server.listen=" + options.listen);
}

}  // namespace

ExitCode config_show(Session& session, const ConfigOptions& options) {
    take_flags(session, options);
    const auto rows = config::rows_of(session.loaded().shown, options.key);
    if (rows.empty())
        throw Failure(ExitCode::not_found, "there is no setting " + printable(options.key));
    session.print(options.json ? config::json_of(rows) : config::text_of(rows));
    return ExitCode::done;
}

ExitCode config_check(Session& session, const ConfigOptions& options) {
    take_flags(session, options);
    for (const auto& note : session.loaded().notes) session.complain(printable(note));
    session.say("the settings are good");
    return ExitCode::done;
}

}  // namespace cli
