// doctor: what is wrong with this machine for running untrusted programs, and how to mend it.
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "api/cli/trial.h"
#include "api/daemon/data_files.h"
#include "api/daemon/privileges.h"
#include "isolate/doctor/checks.h"
#include "isolate/doctor/program.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using doctor::Finding;
using doctor::Severity;

// The engine's user; before there is one, nobody owns anything as it.
isolate::DaemonUser user_of(const config::Settings& settings) try {
    return daemon_process::find_user(settings.user);
} catch (const sys::Error&) {
    return {};
}

doctor::Facts facts_of(Session& session, const isolate::DaemonUser& user) {
    const auto& loaded = session.loaded();
    const auto& paths = loaded.settings.paths;
    const auto data = [](const std::string& configured, const char* name) {
        return daemon_process::find_data(configured, name);
    };
    return doctor::gather(
        loaded.settings,
        doctor::program_of(loaded, session.config_file(), user.uid,
                           {.seccomp_policy = data(paths.seccomp_policy, "seccomp.policy"),
                            .recipes = data(paths.recipes, "recipes"),
                            .kernel_holes = data("", "kernel.holes")}));
}

// What only root can try. A keeper that does not start is a finding too: no box can be made.
void try_out(doctor::Facts& facts, const isolate::DaemonUser& user, const std::string& policy) {
    try {
        const auto result = try_boxes(facts.settings, user, policy);
        facts.self_test_trouble = result.self_test;
        facts.memory_kill_trouble = result.memory_kill;
    } catch (const sys::Error& error) {
        facts.self_test_trouble = error.what();
    }
}

// The left-overs that are gone now.
std::vector<std::string> mend(doctor::Facts& facts, const isolate::DaemonUser& user) {
    if (facts.left_overs.empty()) return {};
    if (::geteuid() != 0)
        throw Failure(ExitCode::permission, "--fix removes what root made: run it with sudo");
    const auto before = std::exchange(facts.left_overs, {});
    sweep(facts.settings, user);
    facts.left_overs = doctor::find_left_overs(facts.settings);
    std::vector<std::string> gone;
    for (const auto& thing : before) {
        if (std::ranges::count(facts.left_overs, thing) == 0) gone.push_back(thing);
    }
    return gone;
}

std::string summary_of(const std::vector<Finding>& findings) {
    const auto [failures, overridden, warnings, notes] = doctor::count(findings);
    return std::to_string(failures) + " failed, " + std::to_string(overridden) + " overridden, " +
           std::to_string(warnings) + " warnings, " + std::to_string(notes) + " notes, of " +
           std::to_string(doctor::all_checks().size()) + " checks";
}

Tint tint_of(const Finding& finding) {
    if (finding.severity == Severity::info) return Tint::dim;
    return doctor::forbids_serving(finding) ? Tint::red : Tint::yellow;
}

void print(Session& session, const Finding& finding) {
    const std::string kind =
        finding.overridden ? "over" : std::string{doctor::name_of(finding.severity)};
    session.print(session.paint(kind, tint_of(finding)) + "  " +
                  session.paint(finding.name, Tint::bold) + ": " + finding.what + "\n" +
                  "      found:  " + printable(finding.found) + "\n" +  //
                  "      wanted: " + printable(finding.wanted) + "\n" +
                  "      why:    " + printable(finding.why) + "\n" +
                  "      mend:   " + printable(finding.mend) + "\n");
}

std::string json_of(const std::vector<Finding>& findings, const std::vector<std::string>& removed,
                    bool tried) {
    const auto [failures, overridden, warnings, notes] = doctor::count(findings);
    Json json{
        {"good", failures == 0},   {"failures", failures}, {"overridden", overridden},
        {"warnings", warnings},    {"notes", notes},       {"checks", doctor::all_checks().size()},
        {"tried_in_a_box", tried}, {"removed", removed},   {"findings", Json::array()}};
    for (const auto& finding : findings) {
        json["findings"].push_back({{"severity", doctor::name_of(finding.severity)},
                                    {"name", finding.name},
                                    {"overridden", finding.overridden},
                                    {"what", finding.what},
                                    {"found", finding.found},
                                    {"wanted", finding.wanted},
                                    {"why", finding.why},
                                    {"mend", finding.mend}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

ExitCode list_names(Session& session, const doctor::Facts& facts) {
    for (const auto& hole : facts.holes) session.print(hole.name + "\n");
    for (const auto& check : doctor::all_checks()) {
        if (check.severity == Severity::fail) session.print(std::string{check.name} + "\n");
    }
    return ExitCode::done;
}

}  // namespace

ExitCode diagnose(Session& session, const DoctorOptions& options) {
    session.refuse_remote("doctor");
    const auto user = user_of(session.settings());
    auto facts = facts_of(session, user);
    if (options.list) return list_names(session, facts);
    facts.left_overs = doctor::find_left_overs(facts.settings);
    const auto removed = options.fix ? mend(facts, user) : std::vector<std::string>{};
    const bool tries = ::geteuid() == 0 && !options.brief;
    if (tries) {
        try_out(facts, user,
                daemon_process::find_data(facts.settings.paths.seccomp_policy, "seccomp.policy"));
    }
    const auto findings = doctor::examine(facts);
    for (const auto& name : doctor::unknown_overrides(facts))
        session.complain("doctor.override names " + name + ", which is no finding");
    if (options.json) {
        session.print(json_of(findings, removed, tries));
    } else {
        for (const auto& thing : removed) session.say("removed " + printable(thing));
        if (!options.brief)
            for (const auto& finding : findings) print(session, finding);
        session.print(summary_of(findings) + "\n");
        if (!tries && !options.brief)
            session.say("nothing was tried in a box; for that, run it with sudo");
    }
    return doctor::count(findings).failures == 0 ? ExitCode::done : ExitCode::failed;
}

}  // namespace cli
