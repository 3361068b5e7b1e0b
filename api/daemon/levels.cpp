#include "api/daemon/levels.h"

#include "api/resources/version.h"
#include "isolate/sys/log.h"

namespace daemon_process {

engine::Observer observer(audit::Log& audit, metrics::Metrics& metrics) {
    return {.admit =
                [&audit, &metrics](const engine::Job&) {
                    try {
                        audit.admit();
                    } catch (const engine::Unavailable&) {
                        metrics.rejected(metrics::Rejection::unavailable);
                        throw;
                    }
                },
            .ended =
                [&audit, &metrics](const engine::Job& job, const engine::JobEnd& end) {
                    metrics.job_ended(job, end);
                    audit.record(job, end);
                }};
}

metrics::Levels Watched::levels() const {
    using Seconds = std::chrono::duration<double>;
    const auto audited = audit_.counts();
    metrics::Levels levels{.version = resources::engine_version,
                           .pool = pool_.status(),
                           .admission = admission_.status(),
                           .parked = engine_.parked(),
                           .warm_cpu_seconds = Seconds{engine_.warm_cpu_time()}.count(),
                           .kept = engine_.kept(),
                           .audit_written = audited.written,
                           .audit_lost = audited.lost,
                           .log_lost = sys::dropped_log_lines(),
                           .process = metrics::look_at_process()};
    const auto runtimes = engine_.runtimes();
    for (const auto& runtime : runtimes->all)
        levels.runtimes.push_back(metrics::runtime_label(*runtime));
    // The server outlives whoever asks through it.
    if (const auto* const server = server_.load()) {
        levels.connections = server->connections();
        const auto refused = server->refusals();
        levels.malformed = refused.malformed;
        levels.too_large = refused.too_large;
        levels.too_slow = refused.too_slow;
        levels.too_many = refused.too_many;
    }
    return levels;
}

}  // namespace daemon_process
