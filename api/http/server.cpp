#include "api/http/server.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <condition_variable>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/http/listening.h"
#include "api/http/reading.h"
#include "api/http/render.h"
#include "api/http/session.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace http {

namespace {

// How long the destructor waits for the reading side to see that all connections have ended.
constexpr auto ending_time = std::chrono::seconds(2);

// Every client takes two descriptors, one to read and one to write.
void warn_if_descriptors_are_short(int max_connections) {
    auto limit = rlimit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    const auto wanted = 2 * static_cast<rlim_t>(max_connections);
    if (limit.rlim_cur >= wanted) return;
    sys::log(sys::Level::warn, "few_descriptors",
             {{"open_files_limit", limit.rlim_cur}, {"wanted_by_server.max_connections", wanted}});
}

// Best effort: a fresh socket has room for it, and what it does not take is not worth more.
void turn_away(int fd, Response response, RefusalCounts& refusals) {
    refusals.count(response.status);
    response.fields.push_back({"Retry-After", "1"});
    const auto rendered = render({}, std::move(response), Afterwards::close, {});
    const auto text = rendered.head + rendered.body;
    static_cast<void>(::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace

class Server::Core : public Clients {
public:
    Core(const config::Server& settings, Handler handler, sys::UniqueFd unix_socket);
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;
    ~Core() override;

    std::uint16_t port() const { return port_; }
    int connections() const { return service_->writer.outputs(); }
    Refusals refusals() const { return service_->refusals.values(); }
    void stop_accepting();

private:
    std::shared_ptr<Session> on_connection(int fd, const std::string& client) override;
    void on_end(Session& session) override;

    std::vector<std::shared_ptr<Session>> sessions();
    void on_tick(Clock::time_point now);

    std::mutex mutex_;
    std::condition_variable empty_;
    std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Reading> reading_;
    // Last: its thread, the clock, calls everything above.
    const std::shared_ptr<Service> service_;
};

Server::Core::Core(const config::Server& settings, Handler handler, sys::UniqueFd unix_socket)
    : service_(std::make_shared<Service>(settings, std::move(handler),
                                         [this](Clock::time_point now) { on_tick(now); })) {
    warn_if_descriptors_are_short(settings.max_connections);
    std::vector<sys::UniqueFd> sockets;
    if (settings.listen != "none") {
        sockets.push_back(listen_on(settings.listen));
        port_ = port_of(sockets.back());
    }
    if (unix_socket) sockets.push_back(std::move(unix_socket));
    if (sockets.empty())
        throw sys::Error(sys::Kind::invalid,
                         "there is nothing to listen on: server.listen is none, and there is no "
                         "server.socket");
    auto reading = std::make_unique<Reading>(std::move(sockets), settings.io_threads, *this);
    const auto lock = std::lock_guard(mutex_);
    reading_ = std::move(reading);
}

Server::Core::~Core() {
    stop_accepting();
    for (const auto& session : sessions()) session->cut();
    {
        auto lock = std::unique_lock(mutex_);
        empty_.wait_for(lock, ending_time, [this] { return sessions_.empty(); });
    }
    // The clock first: it calls the reading side.
    service_->writer.stop();
    reading_.reset();
    for (const auto& session : sessions()) session->on_end();
}

void Server::Core::stop_accepting() {
    service_->draining = true;
    reading_->stop_accepting();
    for (const auto& session : sessions()) session->end_if_idle();
}

std::shared_ptr<Session> Server::Core::on_connection(int fd, const std::string& client) {
    if (connections() >= service_->settings.max_connections) {
        turn_away(fd, problem(503, "too many connections (server.max_connections)"),
                  service_->refusals);
        return nullptr;
    }
    auto seat = service_->seats.take(client);
    if (!seat) {
        turn_away(fd,
                  problem(429,
                          "too many connections from one address "
                          "(server.connections_per_address)"),
                  service_->refusals);
        return nullptr;
    }
    auto copy = sys::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!copy) return nullptr;
    auto session = std::make_shared<Session>(service_, std::move(copy), client, std::move(*seat));
    const auto lock = std::lock_guard(mutex_);
    sessions_.emplace(session.get(), session);
    return session;
}

void Server::Core::on_end(Session& session) {
    const auto lock = std::lock_guard(mutex_);
    sessions_.erase(&session);
    if (sessions_.empty()) empty_.notify_all();
}

std::vector<std::shared_ptr<Session>> Server::Core::sessions() {
    const auto lock = std::lock_guard(mutex_);
    auto sessions = std::vector<std::shared_ptr<Session>>{};
    sessions.reserve(sessions_.size());
    for (const auto& [key, session] : sessions_) sessions.push_back(session);
    return sessions;
}

void Server::Core::on_tick(Clock::time_point now) {
    for (const auto& session : sessions()) session->on_tick(now);
    const auto lock = std::lock_guard(mutex_);
    if (reading_) reading_->accept_again();
}

Server::Server(const config::Server& settings, Handler handler, sys::UniqueFd unix_socket)
    : core_(std::make_unique<Core>(settings, std::move(handler), std::move(unix_socket))) {}

Server::~Server() = default;

std::uint16_t Server::port() const {
    return core_->port();
}

void Server::stop_accepting() {
    core_->stop_accepting();
}

int Server::connections() const {
    return core_->connections();
}

Refusals Server::refusals() const {
    return core_->refusals();
}

}  // namespace http
