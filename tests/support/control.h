// Runs a hostile program outside of a box, by the program crankcase-control beside this one: in
// namespaces of its own, as nobody's user, without one protection (tests/hostile/control). There
// the program must report a breach; else its test in the box proves nothing.
#pragma once

#include <string>
#include <vector>

namespace support {

struct Control {
    std::string without;                // the protection that is missing
    std::vector<std::string> programs;  // files of tests/hostile/programs, run one after the other
    int port = 0;                       // of the engine: what plays the host listens on it
};

struct ControlResult {
    int code = 0;      // 0: its programs ran; anything else is trouble of the control
    std::string said;  // both outputs

    bool breached() const { return said.find("BREACH") != std::string::npos; }
};

ControlResult run_control(const Control& control);

// The text of a file of tests/hostile/programs.
std::string hostile_program(const std::string& name);

// Runs a program with these words, an empty input and the output in two pipes, for 60 s at most.
ControlResult run_words(const std::vector<std::string>& words);

}  // namespace support
