// A hostile program as a row of a table: what is sent, what must come back, and which protection
// holds it. Tried in a box of an engine that is shared by all rows, between two censuses of the
// host; and tried without that protection (support/control.h), where it must breach.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/engine_process.h"

namespace support {

struct Expected {
    std::string status{};     // empty: null, the program ended by itself and well
    std::string or_status{};  // as good, where two limits are passed at about the same time
    std::string signal{};     // empty: null
    std::optional<int> code{};
    std::string says{};  // in its output
    std::string stage = "run";
    std::function<bool(const Json&)> also{};  // of the stage
};

struct HostileCase {
    std::string name;
    std::string program;            // a file of tests/hostile/programs
    std::string then{};             // another, as the next job: what did the first leave?
    Json request = Json::object();  // besides language, version and files
    Expected expected{};
    std::string held_by{};     // the protection; the control goes without it
    std::string no_control{};  // or why there is none, in one sentence
};

// The engine of all rows: one runner, so that every job follows the one before in its container.
const EngineProcess& arena();

// What is wrong with how the row ended in the box or with what it left; empty if nothing.
std::string complaints_in_the_box(const HostileCase& row);

// What is wrong with its control: empty if it breached.
std::string complaints_of_the_control(const HostileCase& row);

}  // namespace support
