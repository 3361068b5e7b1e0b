// The self-test of a box: crankcase-init, started as a job is, looks around and says what should
// not be so. The pool runs it in each new runner before the first job (isolate/self_test.h).
#pragma once

namespace isolate {

// Writes one line to standard output for everything that is not as it must be. Returns the exit
// code: 0 if there is nothing to say.
int posture();

// Takes memory until the kernel ends the process. Returns 1 if it has all it could want.
int take_memory();

}  // namespace isolate
