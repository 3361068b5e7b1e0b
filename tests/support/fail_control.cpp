#include "tests/support/fail_control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace support {

#ifdef CRANKCASE_FAIL_POINTS
bool has_fail_points() {
    return true;
}
#else
bool has_fail_points() {
    return false;
}
#endif

FailControl::FailControl(const std::string& run_directory, [[maybe_unused]] Here here) {
    sys::make_directories(run_directory);
    const auto file =
        sys::open(run_directory + "/" + sys::fail_control_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (::ftruncate(file.get(), sizeof(sys::FailControl)) != 0) sys::fail("size the fail control");
    void* mapping = ::mmap(nullptr, sizeof(sys::FailControl), PROT_READ | PROT_WRITE, MAP_SHARED,
                           file.get(), 0);
    if (mapping == MAP_FAILED) sys::fail("map the fail control");
    shared_ = static_cast<sys::FailControl*>(mapping);
#ifdef CRANKCASE_FAIL_POINTS
    if (here == Here::counts) sys::map_fail_control(file.get());
#endif
}

FailControl::~FailControl() {
    disarm();
    ::munmap(shared_, sizeof(sys::FailControl));
}

void FailControl::arm(unsigned turn, int error, const std::string& names) {
    disarm();
    std::memset(shared_->failed_name, 0, sizeof shared_->failed_name);
    std::memset(shared_->wanted, 0, sizeof shared_->wanted);
    std::strncpy(shared_->wanted, names.c_str(), sizeof shared_->wanted - 1);
    shared_->error = error;
    std::atomic_ref{shared_->failed}.store(0);
    std::atomic_ref{shared_->reached}.store(0);
    std::atomic_ref{shared_->fail_at}.store(turn);
}

std::string FailControl::disarm() {
    std::atomic_ref{shared_->fail_at}.store(0);
    return std::atomic_ref{shared_->failed}.load() ? shared_->failed_name : "";
}

unsigned FailControl::reached() const {
    return std::atomic_ref{shared_->reached}.load();
}

}  // namespace support
