// The test's side of fail points (isolate/sys/fail_point.h): the file that all processes of one
// engine count in. Made before the engine starts; armed and read while it runs.
#pragma once

#include <string>

#include "isolate/sys/fail_point.h"

namespace support {

class FailControl {
public:
    // Makes <run directory>/fail_points; the points of this process count as well if asked for.
    enum class Here { counts, does_not_count };
    explicit FailControl(const std::string& run_directory, Here here = Here::does_not_count);
    FailControl(const FailControl&) = delete;
    FailControl& operator=(const FailControl&) = delete;
    ~FailControl();

    // The turn-th point from now on whose name begins with `names` fails with that errno.
    void arm(unsigned turn, int error, const std::string& names = {});
    // Nothing fails any more. Returns the name of the point that did; empty if none.
    std::string disarm();

    // Points passed since the last arm().
    unsigned reached() const;

private:
    sys::FailControl* shared_;
};

// Whether this build has fail points at all; tests that need them say so and do nothing else.
bool has_fail_points();

}  // namespace support
