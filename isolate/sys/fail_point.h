// Named places at which a test makes a system call fail, once, as the kernel would.
//
//   if (SYS_FAIL_POINT("keeper.mount", ::mount(…)) != 0) sys::fail("mount …");
//
// In a build with CRANKCASE_FAIL_POINTS (presets dev and asan) the call is left out and -1 with an
// errno comes instead when the point's turn has come; in every other build the macro is the call
// and nothing else. The turns of all processes of an engine are counted in one file,
// <run directory>/fail_points, that a test writes before the engine starts (tests/support/
// fail_control.h) and each process maps; without the file a point costs one comparison. Nothing
// here allocates, so that init and the first process of a box have their points as well.
#pragma once

#ifdef CRANKCASE_FAIL_POINTS
#define SYS_FAIL_POINT(name, call) (sys::fails_here(name) ? -1 : (call))
#else
#define SYS_FAIL_POINT(name, call) (call)
#endif

namespace sys {

// What the file holds; shared by processes, so every counter is touched with atomics only.
struct FailControl {
    unsigned fail_at;      // the turn that fails, counted from 1; 0: none does
    unsigned reached;      // points passed whose name began with `wanted`
    unsigned failed;       // 1: it has happened
    int error;             // what errno says then
    char wanted[48];       // beginning of the names that count; empty: all
    char failed_name[48];  // which point it was
};

inline constexpr const char* fail_control_name = "fail_points";

// True with errno set if this is the point that has to fail. For SYS_FAIL_POINT only.
bool fails_here(const char* name);

// Maps the file; false if there is none. The descriptor may be closed afterwards.
bool map_fail_control(int fd);
// Opens and maps <directory>/fail_points, if it is there. Returns the descriptor, for processes
// that pass it on across an exec, or -1.
int open_fail_control(const char* directory);

// For engines that are started by hand: CRANKCASE_FAIL=<name or *>:<turn>[:<errno>] in the
// environment makes the file. Does nothing without the variable.
void make_fail_control(const char* directory);

}  // namespace sys
