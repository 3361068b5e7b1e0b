#include "api/daemon/examination.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "api/daemon/data_files.h"
#include "isolate/doctor/checks.h"
#include "isolate/doctor/program.h"
#include "isolate/self_test.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace daemon_process {

namespace {

void tell(const doctor::Finding& finding) {
    const bool forbids = doctor::forbids_serving(finding);
    sys::log(forbids ? sys::Level::error : sys::Level::warn,
             forbids ? "doctor_fail" : "doctor_overridden",
             {{"finding", finding.name}, {"what", finding.what}, {"found", finding.found}});
    if (forbids) {
        std::fprintf(stderr,
                     "crankcased: will not serve on this machine: %s (or, if you know better: "
                     "doctor.override = [\"%s\"])\n",
                     doctor::sentence_of(finding).c_str(), finding.name.c_str());
    }
}

}  // namespace

doctor::Facts look_at_machine(const config::Loaded& loaded, const isolate::DaemonUser& user,
                              const std::string& config_file) {
    const auto& paths = loaded.settings.paths;
    return doctor::gather(
        loaded.settings,
        doctor::program_of(loaded, config_file, user.uid,
                           {.seccomp_policy = find_data(paths.seccomp_policy, "seccomp.policy"),
                            .recipes = find_data(paths.recipes, "recipes"),
                            .kernel_holes = find_data("", "kernel.holes")}));
}

bool may_serve(const doctor::Facts& facts) {
    for (const auto& name : doctor::unknown_overrides(facts)) {
        throw config::SettingsError("doctor.override names " + name +
                                    ", which is no finding that keeps the engine from serving; "
                                    "`crankcase doctor --list` names them");
    }
    bool good = true;
    for (const auto& finding : doctor::examine(facts)) {
        if (finding.severity != doctor::Severity::fail) continue;
        tell(finding);
        good = good && !doctor::forbids_serving(finding);
    }
    return good;
}

isolate::SelfTest self_test_of(const config::Settings& settings) {
    const bool overridden = std::ranges::count(settings.doctor.override, "runner-self-test") > 0;
    return overridden ? isolate::SelfTest::left_out : isolate::SelfTest::demanded;
}

Trial::Trial(const config::Settings& settings, isolate::Pool& pool) : settings_(settings) {
    thread_ = std::jthread{[this, &pool](std::stop_token stop) { run(std::move(stop), pool); }};
}

void Trial::run(std::stop_token stop, isolate::Pool& pool) try {
    doctor::Facts facts;
    facts.settings = settings_;
    facts.memory_kill_trouble = isolate::memory_kill_test(pool.lease(std::move(stop)));
    for (const auto& finding : doctor::examine(facts)) {
        if (finding.name != "memory-limit") continue;
        tell(finding);
        if (!doctor::forbids_serving(finding)) continue;
        failed_ = true;
        ::kill(::getpid(), SIGTERM);
    }
} catch (const sys::Error& error) {
    // No runner, or we are told to stop: who wants to run a job is told why, and so is the log.
    if (error.kind() != sys::Kind::busy)
        sys::log(sys::Level::warn, "doctor_trial", {{"error", error.what()}});
}

}  // namespace daemon_process
