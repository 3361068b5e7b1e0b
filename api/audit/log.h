// The audit log: a line for every job, before anybody has its answer.
//
// A line that cannot be written (the disk is full) is counted, and the first line that can be
// written again is preceded by one that says how many are missing; jobs go on, unless the settings
// want none without its line. A process that is killed loses nothing that was written; what a power
// failure may take is the setting `audit.sync`. From any thread.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "api/audit/file.h"
#include "config/settings.h"
#include "engine/observer.h"

namespace audit {

struct Counts {
    unsigned long long written = 0;
    unsigned long long lost = 0;  // not written, or not known to be on the disk

    bool operator==(const Counts&) const = default;
};

class Log {
public:
    // Does nothing if the settings name no file. Throws sys::Error if it cannot be opened.
    explicit Log(config::Audit settings);
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    ~Log();

    // Throws engine::Unavailable if a line is required and there is no way to write one.
    void admit();

    // Writes the line of a job. Throws engine::Unavailable if it is required and cannot be written.
    void record(const engine::Job& job, const engine::JobEnd& end);

    // The file of that name from now on: the old one was moved away. If there is none to be had,
    // the old one stays, and the log says so.
    void reopen();

    Counts counts() const;

private:
    int append(std::string_view line);
    void lose(int error);
    void sync_each_second(const std::stop_token& stop);

    const config::Audit settings_;
    mutable std::mutex mutex_;    // of what follows
    std::shared_ptr<File> file_;  // null: there is no audit log
    Counts counts_;
    unsigned long long untold_ = 0;  // lost, and no line says so yet
    bool is_failing_ = false;
    bool is_dirty_ = false;  // written and not synced; with AuditSync::second
    std::condition_variable_any changed_;
    std::jthread syncer_;  // last: stopped and joined before anything else goes
};

}  // namespace audit
