// GET, POST and DELETE /api/v2/packages (contract section 3.1), with its bugs mended: an index that
// cannot be reached is an answer, an installation is there whole or not at all, an uninstallation
// complete.
//
// These take seconds to minutes, so they are done one after the other by a thread of their own, and
// never by one that serves jobs.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/http/exchange.h"
#include "api/metrics/metrics.h"
#include "api/resources/policy.h"
#include "config/settings.h"
#include "packages/installer.h"

namespace resources {

class PackageDesk {
public:
    // `refresh` returns once the engine's runtimes are what the store says.
    PackageDesk(const Standing& policy, std::shared_ptr<packages::Installer> installer,
                const packages::Store& store, std::function<void()> refresh,
                metrics::Metrics& metrics);
    PackageDesk(const PackageDesk&) = delete;
    PackageDesk& operator=(const PackageDesk&) = delete;
    ~PackageDesk();

    // From the next operation on; one that runs keeps the installer it began with.
    void replace_installer(std::shared_ptr<packages::Installer> installer);

    void list(const std::shared_ptr<http::Exchange>& exchange);
    void install(const std::shared_ptr<http::Exchange>& exchange);
    void uninstall(const std::shared_ptr<http::Exchange>& exchange);

private:
    using Work =
        std::function<http::Response(const http::Request&, packages::Installer&, std::stop_token)>;

    using Operation = std::optional<metrics::PackageOperation>;  // empty: it changes nothing

    struct Order {
        std::shared_ptr<http::Exchange> exchange;
        Operation operation;
        Work work;
    };

    void submit(const std::shared_ptr<http::Exchange>& exchange, Operation operation, Work work);
    void run(std::stop_token stop);
    void answer(const Order& order, http::Response response);

    const Standing& policy_;
    const packages::Store& store_;
    const std::function<void()> refresh_;

    metrics::Metrics& metrics_;

    std::mutex mutex_;
    std::shared_ptr<packages::Installer> installer_;
    std::condition_variable_any changed_;
    std::deque<Order> queue_;
    std::jthread worker_;  // last: stopped and joined before anything else goes
};

// Why a client may not change or see packages, as an answer; empty if it may. Who comes through a
// proxy that is trusted is not local because the proxy is; who comes through another is not,
// either. Pure.
std::optional<http::Response> package_refusal(const Policy& policy, const http::Request& request);

}  // namespace resources
