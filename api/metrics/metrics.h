// What the engine counts about itself, and how Prometheus reads it.
//
// Events are told to it as values, from any thread, and cost a microsecond or two. What is a level
// rather than a count is looked at when somebody asks (Levels). Values of labels come from this
// program and from the runtimes that are installed, never from a request: a runtime that is gone
// takes its lines along, so that their number is bounded by what is installed.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/admission.h"
#include "engine/compile_cache.h"
#include "engine/observer.h"
#include "isolate/pool.h"

namespace metrics {

// Why a request was not carried out.
enum class Rejection { origin, key, rate, not_found, invalid, queue, unavailable };

// Of an error that a request ended with; empty for what the engine broke.
std::optional<Rejection> rejection_of(const std::exception& error);

enum class PackageOperation { install, remove, collect_garbage };
enum class PackageResult { done, refused, failed };

// What the kernel says of this process. Zeros for what cannot be read.
struct Process {
    double resident_bytes = 0, open_files = 0, most_files = 0, cpu_seconds = 0;
};
Process look_at_process();

// How things stand at the moment.
struct Levels {
    std::string version{};
    isolate::PoolStatus pool{};
    engine::AdmissionStatus admission{};
    std::vector<std::string> runtimes{};  // by runtime_label()
    int parked = 0;
    double warm_cpu_seconds = 0;
    engine::CompileCache::Counts kept{};
    int connections = 0;
    // Requests that no handler saw (http::Refusals).
    unsigned long long malformed = 0, too_large = 0, too_slow = 0, too_many = 0;
    unsigned long long audit_written = 0, audit_lost = 0;
    unsigned long long log_lost = 0;
    Process process{};
};

// "python-3.11.2".
std::string runtime_label(const engine::Runtime& runtime);

class Metrics {
public:
    Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;
    ~Metrics();

    void job_ended(const engine::Job& job, const engine::JobEnd& end);
    void runner_cleaned(std::chrono::microseconds time);
    void rejected(Rejection reason);
    void rejected(const std::exception& error);  // nothing, if it is no rejection
    void package_operation(PackageOperation operation, PackageResult result);

    // All of it, in Prometheus' text format 0.0.4. Forgets runtimes that are not in `levels`.
    std::string text(const Levels& levels);

private:
    struct State;
    const std::unique_ptr<State> state_;
};

}  // namespace metrics
