// How many programs an engine under test keeps started ahead of their jobs at most, each on a
// runner beside those it is told to have: by the environment (CRANKCASE_WARM_PARKED), otherwise
// two, unless its own settings say otherwise. What counts runners goes by it, so that all tests
// hold with and without.
#pragma once

namespace support {

int places();

}  // namespace support
