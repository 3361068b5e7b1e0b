#include "api/audit/log.h"

#include <chrono>
#include <exception>
#include <utility>

#include "api/audit/line.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace audit {

namespace {

[[noreturn]] void refuse() {
    throw engine::Unavailable(
        "no job runs here while the audit log cannot be written (audit.required)");
}

}  // namespace

Log::Log(config::Audit settings) : settings_(std::move(settings)) {
    if (settings_.file.empty()) return;
    file_ = std::make_shared<File>(settings_.file);
    if (settings_.sync == config::AuditSync::second)
        syncer_ = std::jthread{[this](const std::stop_token& stop) { sync_each_second(stop); }};
}

Log::~Log() = default;

// With the mutex held. Returns 0 or an error number.
int Log::append(std::string_view line) {
    if (untold_ > 0) {
        const int error = file_->append(gap_line(untold_, std::chrono::system_clock::now()));
        if (error != 0) return error;
        sys::log(sys::Level::warn, "audit_goes_on", {{"lost", untold_}});
        untold_ = 0;
    }
    const int error = line.empty() ? 0 : file_->append(line);
    if (error != 0) return error;
    if (!line.empty()) ++counts_.written;
    is_failing_ = false;
    is_dirty_ = true;
    return 0;
}

// A line that is not there. With the mutex held.
void Log::lose(int error) {
    ++counts_.lost;
    if (std::exchange(is_failing_, true)) return;
    const bool required = settings_.required;
    sys::log(sys::Level::error, "audit_failed",
             {{"file", settings_.file},
              {"error", sys::describe(error)},
              {"consequence", required ? "jobs are refused" : "jobs go on without their lines"}});
}

void Log::admit() {
    if (!settings_.required) return;
    const std::lock_guard lock{mutex_};
    if (!is_failing_ || !file_) return;
    // To see whether it can be written again there must be something to write: that lines are
    // missing.
    if (append({}) != 0) refuse();
}

void Log::record(const engine::Job& job, const engine::JobEnd& end) {
    if (settings_.file.empty()) return;
    const auto line = line_of(job, end, std::chrono::system_clock::now());
    std::shared_ptr<File> file;
    {
        const std::lock_guard lock{mutex_};
        file = file_;
        if (const int error = append(line); error != 0) {
            ++untold_;
            lose(error);
            if (settings_.required) refuse();
            return;
        }
    }
    if (settings_.sync != config::AuditSync::each) return;
    // Beside other jobs: the kernel makes one of several that wait.
    const int error = file->sync();
    if (error == 0) return;
    const std::lock_guard lock{mutex_};
    lose(error);
    if (settings_.required) refuse();
}

void Log::reopen() {
    if (settings_.file.empty()) return;
    try {
        auto fresh = std::make_shared<File>(settings_.file);
        std::shared_ptr<File> old;
        {
            const std::lock_guard lock{mutex_};
            old = std::exchange(file_, std::move(fresh));
        }
        if (settings_.sync != config::AuditSync::no) old->sync();
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "audit_not_reopened",
                 {{"error", error.what()}, {"consequence", "lines go where they went"}});
    }
}

Counts Log::counts() const {
    const std::lock_guard lock{mutex_};
    return counts_;
}

// Once more when it is stopped.
void Log::sync_each_second(const std::stop_token& stop) {
    constexpr auto pause = std::chrono::seconds{1};
    bool stopping = false;
    while (!stopping) {
        std::shared_ptr<File> file;
        {
            std::unique_lock lock{mutex_};
            // Nobody notifies but the stop.
            changed_.wait_for(lock, stop, pause, [] { return false; });
            stopping = stop.stop_requested();
            if (!std::exchange(is_dirty_, false)) continue;
            file = file_;
        }
        if (const int error = file->sync(); error != 0) {
            const std::lock_guard lock{mutex_};
            lose(error);
        }
    }
}

}  // namespace audit
