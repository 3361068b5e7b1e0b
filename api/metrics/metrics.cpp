#include "api/metrics/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

#include "api/metrics/names.h"

namespace metrics {

namespace {

using Values = std::vector<std::string>;  // of a metric's labels, in their order
using Families = std::vector<prometheus::MetricFamily>;

constexpr std::size_t count = std::size(names);

// From the hand-over of a warm runner to a compiler that takes its time.
const prometheus::Histogram::BucketBoundaries second_bounds{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
const prometheus::Histogram::BucketBoundaries byte_bounds{
    1 << 20, 4 << 20, 16 << 20, 32 << 20, 64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30};

constexpr std::array<std::string_view, 7> rejection_names{
    "origin", "key", "rate", "not_found", "invalid", "queue", "unavailable"};
constexpr std::array<std::string_view, 3> operation_names{"install", "remove", "gc"};
constexpr std::array<std::string_view, 3> result_names{"done", "refused", "failed"};

template <typename Enum, std::size_t size>
std::string word(const std::array<std::string_view, size>& words, Enum value) {
    return std::string{words[static_cast<std::size_t>(value)]};
}

double seconds(std::chrono::microseconds time) {
    return std::chrono::duration<double>(time).count();
}

std::string_view name_of(engine::Stage stage) {
    return stage == engine::Stage::compile ? "compile" : "run";
}

const Name& name(Id id) {
    return names[static_cast<std::size_t>(id)];
}

prometheus::MetricType type_of(Type type) {
    switch (type) {
        case Type::counter:
            return prometheus::MetricType::Counter;
        case Type::gauge:
            return prometheus::MetricType::Gauge;
        case Type::seconds:
        case Type::bytes:
            return prometheus::MetricType::Histogram;
    }
    __builtin_unreachable();
}

prometheus::ClientMetric labeled(const Name& name, const Values& values,
                                 prometheus::ClientMetric metric) {
    for (std::size_t i = 0; i < values.size(); ++i)
        metric.label.push_back({std::string{name.labels[i]}, values[i]});
    return metric;
}

// A value that is looked at, as a line of its family.
void put(Families& families, Id id, double value, Values values = {}) {
    prometheus::ClientMetric metric;
    const bool is_counter = name(id).type == Type::counter;
    (is_counter ? metric.counter.value : metric.gauge.value) = value;
    families[static_cast<std::size_t>(id)].metric.push_back(
        labeled(name(id), values, std::move(metric)));
}

void put_levels(Families& families, const Levels& levels) {
    const auto whole = [](auto value) { return static_cast<double>(value); };
    put(families, Id::build, 1, {levels.version});
    put(families, Id::runners, levels.pool.ready, {"ready"});
    put(families, Id::runners, levels.pool.leased, {"leased"});
    put(families, Id::runners, levels.pool.starting, {"starting"});
    put(families, Id::runners, levels.pool.inspected, {"inspected"});
    put(families, Id::parked, levels.parked);
    put(families, Id::warm_cpu, levels.warm_cpu_seconds);
    put(families, Id::compiles, whole(levels.kept.hits), {"hit"});
    put(families, Id::compiles, whole(levels.kept.misses), {"miss"});
    put(families, Id::kept_stored, whole(levels.kept.stored));
    put(families, Id::kept_evicted, whole(levels.kept.evicted));
    put(families, Id::kept_bytes, whole(levels.kept.bytes));
    put(families, Id::keeper_up, levels.pool.keeper_alive ? 1 : 0);
    put(families, Id::running, levels.admission.running);
    put(families, Id::waiting, levels.admission.waiting);
    put(families, Id::waiting_bytes, whole(levels.admission.waiting_bytes.count));
    put(families, Id::waiting_clients, levels.admission.clients);
    put(families, Id::runtimes, whole(levels.runtimes.size()));
    put(families, Id::connections, levels.connections);
    put(families, Id::rejected, whole(levels.malformed), {"malformed"});
    put(families, Id::rejected, whole(levels.too_large), {"too_large"});
    put(families, Id::rejected, whole(levels.too_slow), {"too_slow"});
    put(families, Id::rejected, whole(levels.too_many), {"too_many"});
    put(families, Id::audit_records, whole(levels.audit_written), {"written"});
    put(families, Id::audit_records, whole(levels.audit_lost), {"lost"});
    put(families, Id::log_lost, whole(levels.log_lost));
    put(families, Id::process_memory, levels.process.resident_bytes);
    put(families, Id::process_files, levels.process.open_files);
    put(families, Id::process_most_files, levels.process.most_files);
    put(families, Id::process_cpu, levels.process.cpu_seconds);
}

}  // namespace

struct Metrics::State {
    void add(Id id, Values values, double by = 1) {
        counters[static_cast<std::size_t>(id)][std::move(values)].Increment(by);
    }

    void observe(Id id, double value, Values values = {}) {
        const auto& bounds = name(id).type == Type::bytes ? byte_bounds : second_bounds;
        auto& family = histograms[static_cast<std::size_t>(id)];
        family.try_emplace(std::move(values), bounds).first->second.Observe(value);
    }

    void stage_ended(const std::string& runtime, engine::Stage stage,
                     const engine::StageResult& result) {
        const std::string word{name_of(stage)};
        add(Id::stages, {runtime, word, std::string{engine::name(result.verdict)}});
        if (result.was_kept) return;
        add(Id::stage_time, {runtime, word}, seconds(result.wall_time));
        add(Id::stage_cpu, {runtime, word}, seconds(result.cpu_time));
        observe(Id::memory, static_cast<double>(result.memory.count), {word});
    }

    // Counters that are labeled with a runtime have it first.
    void forget_all_but(const std::vector<std::string>& runtimes) {
        for (const auto& entry : names) {
            if (entry.labels[0] != "runtime") continue;
            std::erase_if(counters[static_cast<std::size_t>(entry.id)], [&](const auto& line) {
                return std::ranges::find(runtimes, line.first[0]) == runtimes.end();
            });
        }
    }

    std::mutex mutex;  // so that who asks sees all of a job, or nothing
    const std::chrono::system_clock::time_point began = std::chrono::system_clock::now();
    std::array<std::map<Values, prometheus::Counter>, count> counters;
    std::array<std::map<Values, prometheus::Histogram>, count> histograms;
};

// What has not happened yet is zero, so that its first time is seen as a change.
Metrics::Metrics() : state_(std::make_unique<State>()) {
    for (const auto reason : rejection_names) state_->add(Id::rejected, {std::string{reason}}, 0);
    for (const auto operation : operation_names)
        for (const auto result : result_names)
            state_->add(Id::packages, {std::string{operation}, std::string{result}}, 0);
    for (const auto* const result : {"hit", "miss"}) state_->add(Id::leases, {result}, 0);
    auto& histograms = state_->histograms;
    for (const auto id : {Id::queue_wait, Id::start, Id::execution, Id::clean_up})
        histograms[static_cast<std::size_t>(id)].try_emplace(Values{}, second_bounds);
    for (const auto* const stage : {"compile", "run"})
        histograms[static_cast<std::size_t>(Id::memory)].try_emplace(Values{stage}, byte_bounds);
}

Metrics::~Metrics() = default;

void Metrics::job_ended(const engine::Job& job, const engine::JobEnd& end) {
    const auto runtime = runtime_label(*job.runtime);
    const std::lock_guard lock{state_->mutex};
    state_->add(Id::jobs, {runtime, std::string{engine::outcome(end)}});
    if (end.was_ready) state_->add(Id::leases, {*end.was_ready ? "hit" : "miss"});
    if (end.until_begun) state_->add(Id::starts, {runtime, std::string{name(end.start)}});
    state_->observe(Id::queue_wait, seconds(job.waited));
    if (end.until_begun) state_->observe(Id::start, seconds(*end.until_begun));
    if (end.executing) state_->observe(Id::execution, seconds(*end.executing));
    const auto& result = end.result;
    if (result.compile) state_->stage_ended(runtime, engine::Stage::compile, *result.compile);
    if (result.run) state_->stage_ended(runtime, engine::Stage::run, *result.run);
    if (const auto stage = engine::broken_stage(end))
        state_->add(Id::stages, {runtime, std::string{name_of(*stage)}, "broken"});
}

void Metrics::runner_cleaned(std::chrono::microseconds time) {
    const std::lock_guard lock{state_->mutex};
    state_->observe(Id::clean_up, seconds(time));
}

void Metrics::rejected(Rejection reason) {
    const std::lock_guard lock{state_->mutex};
    state_->add(Id::rejected, {word(rejection_names, reason)});
}

void Metrics::rejected(const std::exception& error) {
    if (const auto reason = rejection_of(error)) rejected(*reason);
}

void Metrics::package_operation(PackageOperation operation, PackageResult result) {
    const std::lock_guard lock{state_->mutex};
    state_->add(Id::packages, {word(operation_names, operation), word(result_names, result)});
}

std::string Metrics::text(const Levels& levels) {
    Families families(count);
    for (const auto& entry : names) {
        auto& family = families[static_cast<std::size_t>(entry.id)];
        family.name = entry.name;
        family.help = entry.help;
        family.type = type_of(entry.type);
    }
    put_levels(families, levels);
    const auto since_epoch = state_->began.time_since_epoch();
    put(families, Id::process_start, std::chrono::duration<double>(since_epoch).count());
    {
        const std::lock_guard lock{state_->mutex};
        state_->forget_all_but(levels.runtimes);
        for (const auto& entry : names) {
            const auto i = static_cast<std::size_t>(entry.id);
            auto& lines = families[i].metric;
            for (const auto& [values, counter] : state_->counters[i])
                lines.push_back(labeled(entry, values, counter.Collect()));
            for (const auto& [values, histogram] : state_->histograms[i])
                lines.push_back(labeled(entry, values, histogram.Collect()));
        }
    }
    return prometheus::TextSerializer{}.Serialize(families);
}

std::string runtime_label(const engine::Runtime& runtime) {
    return runtime.language + "-" + runtime.version;
}

std::optional<Rejection> rejection_of(const std::exception& error) {
    const auto* const known = dynamic_cast<const sys::Error*>(&error);
    if (!known || known->kind() == sys::Kind::broken) return std::nullopt;
    if (dynamic_cast<const engine::Unavailable*>(&error)) return Rejection::unavailable;
    return known->kind() == sys::Kind::busy ? Rejection::queue : Rejection::invalid;
}

}  // namespace metrics
