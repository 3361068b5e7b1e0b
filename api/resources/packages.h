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
#include <string>
#include <thread>

#include "api/http/exchange.h"
#include "config/settings.h"
#include "packages/installer.h"

namespace resources {

class PackageDesk {
public:
    // `refresh` returns once the engine's runtimes are what the store says.
    PackageDesk(const config::Settings& settings, packages::Installer& installer,
                const packages::Store& store, std::function<void()> refresh);
    PackageDesk(const PackageDesk&) = delete;
    PackageDesk& operator=(const PackageDesk&) = delete;
    ~PackageDesk();

    void list(const std::shared_ptr<http::Exchange>& exchange);
    void install(const std::shared_ptr<http::Exchange>& exchange);
    void uninstall(const std::shared_ptr<http::Exchange>& exchange);

private:
    using Work = std::function<http::Response(const http::Request&, std::stop_token)>;

    void submit(const std::shared_ptr<http::Exchange>& exchange, Work work);
    void run(std::stop_token stop);

    const config::Settings& settings_;
    packages::Installer& installer_;
    const packages::Store& store_;
    const std::function<void()> refresh_;

    struct Order {
        std::shared_ptr<http::Exchange> exchange;
        Work work;
    };
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Order> queue_;
    std::jthread worker_;  // last: stopped and joined before anything else goes
};

// Why a client may not change or see packages; empty if it may. Pure.
std::string package_refusal(const config::Packages& settings, const http::Request& request);

}  // namespace resources
