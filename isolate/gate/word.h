// What the gate in a program's process (gate.cpp) and the daemon (parked.h) say to one another, and
// where they meet.
#pragma once

namespace isolate::gate {

inline constexpr const char* library = "/crankcase/gate.so";  // in every root
inline constexpr const char* variable = "CRANKCASE_GATE";     // the main file, without directories
// "KEY=value": a variable that the program finds from the start and no one else knows of.
inline constexpr const char* given = "CRANKCASE_GIVEN";
inline constexpr const char* zygote_variable = "CRANKCASE_ZYGOTE";  // set: see zygote.h
inline constexpr int descriptor = 4;                                // when the program is executed

// One byte each, on a socket that ends with the process or with the daemon's interest.
inline constexpr char here = 'R';     // the gate's: the program stands
inline constexpr char go_on = 'B';    // the daemon's: the job's files are there
inline constexpr char gone_on = 'G';  // the gate's: it does
inline constexpr char fork = 'F';     // the spawner's, to a zygote

}  // namespace isolate::gate
