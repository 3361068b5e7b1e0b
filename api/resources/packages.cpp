#include "api/resources/packages.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/resources/answer.h"
#include "api/resources/caller.h"
#include "api/resources/client.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"
#include "packages/digest.h"

namespace resources {

namespace {

using Json = nlohmann::ordered_json;

// Somebody who has to wait for more than this is better told so.
constexpr std::size_t most_waiting = 16;

// A key with the scope, behind "Bearer" as it always was here.
bool shows_install_key(const http::Request& request, const KeyRing& keys) {
    if (!http::starts_with_word(request.find_field("Authorization"), "Bearer ")) return false;
    const auto* const key = keys.find(shown_key(request));
    return key != nullptr && key->may(config::Scope::install);
}

std::string hex(const packages::Digest& digest) {
    const auto text = to_string(digest);
    return text.substr(text.find(':') + 1);
}

struct Wanted {
    std::string language, version;
};

// Whatever is missing reads "undefined", and what is no text as it was sent, as in Piston's answer.
Wanted wanted(const http::Request& request) {
    const auto body = Json::parse(request.body, nullptr, false);
    const auto text = [&](const char* key) {
        if (!body.is_object() || !body.contains(key)) return std::string{"undefined"};
        const auto& value = body.at(key);
        return value.is_string() ? value.get<std::string>() : value.dump();
    };
    return {text("language"), text("version")};
}

http::Response missing(const Wanted& what) {
    return message(404,
                   "Requested package " + what.language + "-" + what.version + " does not exist");
}

http::Response done(const packages::Record& record) {
    return json(200, Json{{"language", record.name}, {"version", record.version}}.dump());
}

bool is_installed(const std::vector<packages::Record>& records, const std::string& name,
                  const std::string& version) {
    return std::ranges::any_of(records, [&](const auto& record) {
        return record.name == name && record.version == version;
    });
}

// The newest offer of that package in the range; null if there is none.
const packages::Offer* find_offer(const std::vector<packages::Offer>& offers, const Wanted& what) {
    const auto range = packages::parse_range(what.version);
    const packages::Offer* best = nullptr;
    std::optional<packages::Version> best_version;
    for (const auto& offer : offers) {
        const auto version = packages::parse_version(offer.version);
        if (!range || offer.name != what.language || !version || !range->contains(*version))
            continue;
        if (!best || *best_version < *version) {
            best = &offer;
            best_version = version;
        }
    }
    return best;
}

std::string list_of(const std::vector<packages::Offer>& offers,
                    const std::vector<packages::Record>& records) {
    auto list = Json::array();
    const auto add = [&](const std::string& name, const std::string& version) {
        list.push_back({{"language", name},
                        {"language_version", version},
                        {"installed", is_installed(records, name, version)}});
    };
    for (const auto& offer : offers) {
        if (packages::parse_version(offer.version)) add(offer.name, offer.version);
    }
    // What is installed from a bundle or a recipe that is gone is listed as well.
    for (const auto& record : records) {
        const bool is_offered = std::ranges::any_of(offers, [&](const auto& offer) {
            return offer.name == record.name && offer.version == record.version;
        });
        if (!is_offered) add(record.name, record.version);
    }
    return list.dump();
}

// Why the last step of an installation failed; empty if it did not.
std::string trouble_of(const packages::Store& store, const packages::Record& wanted) {
    for (const auto& record : store.installed()) {
        if (record.name == wanted.name && record.version == wanted.version) return record.trouble;
    }
    return {};
}

}  // namespace

std::optional<http::Response> package_refusal(const Policy& policy, const http::Request& request) {
    const auto api = policy.settings.packages.api;
    if (api == config::PackageApi::off)
        return message(403, "packages cannot be changed over HTTP here (packages.api is off)");
    if (shows_install_key(request, policy.keys)) return std::nullopt;
    if (api == config::PackageApi::local) {
        if (is_local(request, policy.proxies)) return std::nullopt;
        return message(403,
                       "packages can be changed from this machine only; packages.api = \"token\", "
                       "or an API key with the scope install (keys.file), lets others in");
    }
    if (auto refused = key_refusal(policy, request, config::Scope::install);
        refused && refused->status == 403)
        return refused;
    return unauthorized(
        "packages need \"Authorization: Bearer <token>\" with the token of packages.token, or "
        "with an API key that has the scope install (keys.file)");
}

PackageDesk::PackageDesk(const Standing& policy, std::shared_ptr<packages::Installer> installer,
                         const packages::Store& store, std::function<void()> refresh,
                         metrics::Metrics& metrics)
    : policy_(policy),
      store_(store),
      refresh_(std::move(refresh)),
      metrics_(metrics),
      installer_(std::move(installer)) {
    worker_ = std::jthread{[this](std::stop_token stop) { run(std::move(stop)); }};
}

PackageDesk::~PackageDesk() {
    worker_.request_stop();
}

void PackageDesk::replace_installer(std::shared_ptr<packages::Installer> installer) {
    const std::lock_guard lock{mutex_};
    installer_.swap(installer);
}

void PackageDesk::list(const std::shared_ptr<http::Exchange>& exchange) {
    submit(exchange, {},
           [this](const http::Request&, packages::Installer& installer, std::stop_token) {
               const auto offers = installer.offers();
               const auto trouble = installer.trouble();
               if (!trouble.empty())
                   sys::log(sys::Level::warn, "package_index", {{"trouble", trouble}});
               return json(200, list_of(offers, store_.installed()));
           });
}

void PackageDesk::install(const std::shared_ptr<http::Exchange>& exchange) {
    submit(
        exchange, metrics::PackageOperation::install,
        [this](const http::Request& request, packages::Installer& installer, std::stop_token stop) {
            const auto what = wanted(request);
            const auto offers = installer.offers();
            const auto* offer = find_offer(offers, what);
            if (offer == nullptr) {
                const auto trouble = installer.trouble();
                return trouble.empty() ? missing(what) : message(502, trouble);
            }
            if (is_installed(store_.installed(), offer->name, offer->version))
                return message(500, "Already installed");
            const auto record =
                installer.install({.name = offer->name, .range = offer->version, .libraries = {}},
                                  {}, std::move(stop));
            refresh_();
            const auto trouble = trouble_of(store_, record);
            return trouble.empty() ? done(record) : message(500, trouble);
        });
}

void PackageDesk::uninstall(const std::shared_ptr<http::Exchange>& exchange) {
    submit(exchange, metrics::PackageOperation::remove,
           [this](const http::Request& request, packages::Installer& installer, std::stop_token) {
               const auto what = wanted(request);
               const auto range = packages::parse_range(what.version);
               const auto records = store_.installed();
               const auto* record =
                   range ? packages::newest(records, what.language, *range) : nullptr;
               if (record == nullptr) {
                   const auto offers = installer.offers();
                   const auto* offer = find_offer(offers, what);
                   if (offer == nullptr) return missing(what);
                   return message(500, offer->name + "-" + offer->version + " is not installed");
               }
               const auto removed = installer.uninstall(
                   {.name = record->name, .range = record->version, .libraries = {}});
               refresh_();
               return done(removed);
           });
}

// An answer says what became of the operation: 2xx it was done, 4xx it was not to be, 5xx it
// failed.
void PackageDesk::answer(const Order& order, http::Response response) {
    if (order.operation) {
        constexpr int first_of_client = 400, first_of_server = 500;
        metrics_.package_operation(
            *order.operation, response.status < first_of_client   ? metrics::PackageResult::done
                              : response.status < first_of_server ? metrics::PackageResult::refused
                                                                  : metrics::PackageResult::failed);
    }
    order.exchange->answer(std::move(response));
}

void PackageDesk::submit(const std::shared_ptr<http::Exchange>& exchange, Operation operation,
                         Work work) {
    const auto policy = policy_.get();
    if (auto refused = package_refusal(*policy, exchange->request())) {
        metrics_.rejected(metrics::Rejection::key);
        return exchange->answer(std::move(*refused));
    }
    {
        const std::lock_guard lock{mutex_};
        if (queue_.size() < most_waiting) {
            queue_.push_back({exchange, operation, std::move(work)});
            changed_.notify_one();
            return;
        }
    }
    metrics_.rejected(metrics::Rejection::queue);
    exchange->answer(message(503, "too many package operations are waiting"));
}

void PackageDesk::run(std::stop_token stop) {
    while (true) {
        Order order;
        std::shared_ptr<packages::Installer> installer;
        {
            std::unique_lock lock{mutex_};
            if (!changed_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
            order = std::move(queue_.front());
            queue_.pop_front();
            installer = installer_;
        }
        // A client that goes away does not undo what it asked for, as in Piston; a shutdown does.
        try {
            answer(order, order.work(order.exchange->request(), *installer, stop));
        } catch (const packages::DigestError& error) {
            sys::log(sys::Level::error, "package_operation_failed", {{"error", error.what()}});
            answer(order, message(500, "Checksum miss-match want: " + hex(error.wanted()) +
                                           " got: " + hex(error.actual())));
        } catch (const sys::Error& error) {
            // Of whoever may install, nothing of what went wrong is kept.
            sys::log(sys::Level::error, "package_operation_failed", {{"error", error.what()}});
            const bool asked_wrongly = error.kind() == sys::Kind::invalid;
            answer(order, message(asked_wrongly ? 400 : 500, error.what()));
        } catch (const std::exception& error) {
            answer(order, problem(error, request_id(order.exchange->request())));
        }
    }
}

}  // namespace resources
