// How things stand, for /metrics: looked at when somebody asks.
#pragma once

#include <atomic>

#include "api/audit/log.h"
#include "api/http/server.h"
#include "api/metrics/metrics.h"
#include "engine/engine.h"

namespace daemon_process {

// Who is told of every job: first whether it may run at all, then what became of it. Both outlive
// the result.
engine::Observer observer(audit::Log& audit, metrics::Metrics& metrics);

class Watched {
public:
    // The references are to what outlives it.
    Watched(const isolate::Pool& pool, const engine::Engine& engine,
            const engine::Admission& admission, const audit::Log& audit)
        : pool_(pool), engine_(engine), admission_(admission), audit_(audit) {}
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    metrics::Levels levels() const;

    // The server, if there is one, whose connections count, for as long as this is there: it comes
    // last, and goes first, but asks already while it is made.
    class Clients {
    public:
        Clients(const Watched& watched, const http::Server* server) : watched_(watched) {
            watched_.server_ = server;
        }
        Clients(const Clients&) = delete;
        Clients& operator=(const Clients&) = delete;
        ~Clients() { watched_.server_ = nullptr; }

    private:
        const Watched& watched_;
    };

private:
    const isolate::Pool& pool_;
    const engine::Engine& engine_;
    const engine::Admission& admission_;
    const audit::Log& audit_;
    mutable std::atomic<const http::Server*> server_ = nullptr;
};

}  // namespace daemon_process
