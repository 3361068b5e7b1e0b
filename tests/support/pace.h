// How much may be asked of the machine that the tests run on. A guest without hardware
// virtualization is some 25 times slower than its host: there bounds on waiting are longer and
// loops of hundreds of turns take some of them. No bound of an engine or of a program in a box
// changes by it. Read from the environment, and said wherever turns are counted:
//
//   CRANKCASE_PATIENCE=N   every bound on waiting is N times as long
//   CRANKCASE_EVERY=N      a loop of many turns takes every N-th
//
// Both are 1 where nothing is said. What is no number from 1 to 1000 throws std::runtime_error.
#pragma once

#include <string>

namespace support {

int patience_factor();
unsigned every();

// A bound on waiting, as this machine needs it.
template <typename Bound>
Bound patiently(Bound bound) {
    return bound * patience_factor();
}

// What has to be said behind a number of turns: ", one of 5 tried", or nothing if all were.
std::string said_of_turns();

}  // namespace support
