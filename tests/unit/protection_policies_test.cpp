// The filters of the engine's own processes, beside that of the jobs.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "isolate/filter.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"

namespace {

// What a policy says about calls, as much as these comparisons need.
struct Policy {
    std::set<std::string> allowed;  // in some case at least
    std::set<std::string> always;   // whatever the arguments
    std::set<std::string> refused;  // in some case, with an errno of its own
    std::vector<isolate::FilterRule> rules;

    explicit Policy(const std::string& name) {
        const auto file = isolate::program_directory() + "/../share/crankcase/" + name;
        rules = isolate::parse_policy(sys::read_file(file));
        for (const auto& rule : rules) {
            if (rule.error_number != 0) refused.insert(rule.name);
            if (rule.error_number == 0) allowed.insert(rule.name);
            if (rule.error_number == 0 && rule.when.empty()) always.insert(rule.name);
        }
        for (const auto& name_refused : refused) always.erase(name_refused);
    }
};

}  // namespace

TEST_CASE("the keeper's filter lets through whatever that of its jobs lets through") {
    const Policy keeper{"keeper.policy"};
    const Policy jobs{"seccomp.policy"};
    for (const auto& name : jobs.allowed) {
        CAPTURE(name);
        const bool by_arguments = name == "socket" || name == "socketpair";
        CHECK((by_arguments ? keeper.allowed : keeper.always).contains(name));
    }
    // The families of the jobs' sockets, all of them.
    std::set<std::uint32_t> families, kept;
    for (const auto& rule : jobs.rules)
        if (rule.name == "socket" && rule.error_number == 0)
            families.insert(rule.when[0].values.begin(), rule.when[0].values.end());
    for (const auto& rule : keeper.rules)
        if (rule.name == "socket" && rule.error_number == 0)
            kept.insert(rule.when[0].values.begin(), rule.when[0].values.end());
    CHECK(kept == families);
}

TEST_CASE("the server's filter lets through no call that a job may not make") {
    const Policy server{"daemon.policy"};
    const Policy jobs{"seccomp.policy"};
    for (const auto& name : server.allowed) {
        CAPTURE(name);
        CHECK(jobs.allowed.contains(name));
        CHECK(!(server.always.contains(name) && jobs.refused.contains(name)));
    }
}

TEST_CASE("what gives power over the kernel is refused to keeper and server") {
    for (const std::string file : {"keeper.policy", "daemon.policy"}) {
        CAPTURE(file);
        const Policy policy{file};
        for (const std::string name :
             {"init_module", "finit_module", "delete_module", "kexec_load", "bpf",
              "perf_event_open", "reboot", "iopl", "settimeofday", "open_by_handle_at"}) {
            CAPTURE(name);
            CHECK(policy.refused.contains(name));
            CHECK_FALSE(policy.allowed.contains(name));
        }
        CHECK_FALSE(isolate::compile_filter(sys::read_file(isolate::program_directory() +
                                                           "/../share/crankcase/" + file))
                        .program.empty());
    }
}
