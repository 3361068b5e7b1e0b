#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "api/metrics/metrics.h"
#include "isolate/sys/file.h"

namespace metrics {

namespace {

double resident_bytes() {
    // "total resident …", in pages (man 5 proc, statm).
    const auto text = sys::try_read_file("/proc/self/statm").value_or("");
    const auto blank = text.find(' ');
    if (blank == text.npos) return 0;
    return std::strtod(text.c_str() + blank, nullptr) *
           static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_files() {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir("/proc/self/fd"), ::closedir};
    if (!directory) return 0;
    int entries = -3;  // ".", ".." and the descriptor that reads them
    while (::readdir(directory.get())) ++entries;
    return entries;
}

double seconds(const timeval& time) {
    constexpr double microsecond = 1e-6;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * microsecond;
}

}  // namespace

Process look_at_process() {
    Process process{.resident_bytes = resident_bytes(), .open_files = open_files()};
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
        process.most_files = static_cast<double>(limit.rlim_cur);
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0)
        process.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    return process;
}

}  // namespace metrics
