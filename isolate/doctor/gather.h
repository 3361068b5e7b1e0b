// Reading the facts. Nothing is changed, nobody is asked, nothing waits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "isolate/doctor/facts.h"

namespace doctor {

// What only the program knows.
struct Program {
    uid_t engine_user = 0;
    std::string seccomp_policy;  // files in use
    std::string recipes;
    std::string holes;        // the table's text
    std::string config_file;  // empty: none was read
    bool config_has_secrets = false;
    std::string lxc_version = {};  // empty: nobody knows
};

// Everything but left_overs and the probes. What cannot be read is absent. Throws
// sys::Error{invalid} only for a table of holes that cannot be read.
Facts gather(const config::Settings& settings, const Program& program, const Places& places = {});

// What engines of this instance have left behind: cgroups and processes that no engine keeps. Empty
// while one runs, which its lock says.
std::vector<std::string> find_left_overs(const config::Settings& settings,
                                         const Places& places = {});

// ---- its parts, for tests -----------------------------------------------------------------------

// /proc/<pid>/mountinfo to the hierarchies in it (man 5 proc); v2 says its controllers elsewhere.
std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo);

// passwd, group: name:x:id:…; subuid, subgid: name:first:count. Other lines are skipped.
std::vector<IdRange> parse_accounts(const std::string& file, std::string_view text);
std::vector<IdRange> parse_sub_ids(const std::string& file, std::string_view text);

// Every name on the way to the path; links are followed, forty at most, as the kernel does.
std::vector<Component> way_to(const std::string& path);

}  // namespace doctor
