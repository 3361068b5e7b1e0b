// spec: Piston's files of rules, in Piston's words: the plan first, then what was done.
#include "packages/spec.h"

#include <algorithm>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "isolate/sys/file.h"

namespace cli {

namespace {

using packages::NamedVersion;

// The base is no language, and Piston's rules know of none; what other packages need goes with
// them.
bool is_for_rules(const Listed& entry) {
    return entry.name != "base";
}

packages::SpecPlan plan_of(const std::vector<packages::SpecRule>& rules,
                           const std::vector<Listed>& list) {
    std::vector<NamedVersion> installed, available, needed;
    for (const auto& entry : list) {
        if (!is_for_rules(entry)) continue;
        const NamedVersion version{entry.name, entry.version};
        if (entry.installed) installed.push_back(version);
        if (entry.available) available.push_back(version);
        if (entry.installed && !entry.asked_for) needed.push_back(version);
    }
    auto plan = packages::plan(installed, available, rules);
    std::erase_if(plan.uninstall, [&](const NamedVersion& version) {
        return std::ranges::find(needed, version) != needed.end();
    });
    return plan;
}

std::string words_of(const NamedVersion& version) {
    return printable(version.name + " " + version.version);
}

packages::Request request_for(const NamedVersion& version) {
    return {.name = version.name, .range = version.version, .libraries = {}};
}

void print_plan(Session& session, const packages::SpecPlan& plan) {
    session.print("Actions\n");
    for (const auto& one : plan.install) session.print("Install " + words_of(one) + "\n");
    for (const auto& one : plan.uninstall) session.print("Uninstall " + words_of(one) + "\n");
    if (plan.install.empty() && plan.uninstall.empty()) session.print("None\n");
}

// True if it went well; else one line says why not, and the next has its turn.
template <typename Action>
bool attempt(Session& session, const NamedVersion& version, const std::string& verb, Action act) {
    try {
        act();
        return true;
    } catch (const std::exception& error) {
        if (Interrupt::signal() != 0) throw;
        session.print("Failed to " + verb + " " + words_of(version) + ": " +
                      printable(error.what()) + "\n");
        return false;
    }
}

}  // namespace

ExitCode spec(Session& session, const SpecOptions& options) {
    // Read as whoever started us.
    const auto rules = packages::parse_spec(sys::read_file(options.file), options.file);
    auto& backend = session.backend();
    const auto plan = plan_of(rules, backend.list());
    print_plan(session, plan);
    if (options.dry_run) return ExitCode::done;
    bool good = true;
    for (const auto& version : plan.install) {
        good &= attempt(session, version, "install", [&] {
            backend.install(request_for(version), session.progress(), session.stop());
            session.print("Installed " + words_of(version) + "\n");
        });
    }
    for (const auto& version : plan.uninstall) {
        good &= attempt(session, version, "uninstall", [&] {
            backend.uninstall(request_for(version), session.progress(), session.stop());
            session.print("Uninstalled " + words_of(version) + "\n");
        });
    }
    return good ? ExitCode::done : ExitCode::failed;
}

}  // namespace cli
