#include "isolate/init/fault.h"

#include <unistd.h>

#include <cerrno>

#include "isolate/sys/fail_point.h"

namespace isolate {

void send_report(int pipe, const Report& report) {
    // If the daemon is gone there is nobody to tell; the container ends with it.
    [[maybe_unused]] const auto written =
        SYS_FAIL_POINT("box.report", ::write(pipe, &report, sizeof report));
}

void give_up(int pipe, Step step) {
    send_report(pipe, {.fault = {step, errno}, .status = 0, .left = Left::others});
    ::_exit(127);
}

}  // namespace isolate
