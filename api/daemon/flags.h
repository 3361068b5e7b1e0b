// The command line of crankcased.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace daemon_process {

struct Flags {
    enum class Action { serve, check, show, help, version };

    Action action = Action::serve;
    std::string config_file;  // empty: the default place, if it is there
    std::vector<std::pair<std::string, std::string>> settings;  // key, value
    std::string complaint;  // not empty: what is wrong with the line
};

Flags read_flags(int argc, char** argv);

extern const char* const usage;

}  // namespace daemon_process
