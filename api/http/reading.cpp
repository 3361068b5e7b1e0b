#include "api/http/reading.h"

#include <fcntl.h>
#include <pistache/peer.h>
#include <pistache/reactor.h>
#include <pistache/tcp.h>
#include <pistache/transport.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "api/http/signals.h"
#include "api/http/unix_socket.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace http {

namespace {

namespace polling = Pistache::Polling;
using Peer = std::shared_ptr<Pistache::Tcp::Peer>;

constexpr auto session_key = "session";
constexpr std::size_t pistache_piece = 4096;
// So that one client with much to say does not keep the others of its thread waiting.
constexpr int most_rounds = 16;
const auto readable = Pistache::Flags<polling::NotifyOn>(polling::NotifyOn::Read);

// A peer's hold on its session. Pistache destroys this where it destroys the peer, and so the
// session is let go of by our code, whose counting of owners on other threads ThreadSanitizer sees.
struct Hold {
    std::shared_ptr<Session> session;
};

// What Pistache calls. An exception that left one of these would end the process.
class PeerHandler : public Pistache::Tcp::Handler {
    PROTOTYPE_OF(Pistache::Tcp::Handler, PeerHandler)

public:
    explicit PeerHandler(Clients& clients) : clients_(&clients) {}

    void onConnection(const Peer& peer) override {
        try {
            auto client = socket_client_of(peer->fd());
            if (client.empty()) client = peer->address().host();
            auto session = clients_->on_connection(peer->fd(), client);
            if (session)
                return peer->putData(session_key, std::make_shared<Hold>(Hold{std::move(session)}));
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "connection_failed", {{"error", error.what()}});
        }
        // Pistache is about to read from it, sees the end, and closes.
        ::shutdown(peer->fd(), SHUT_RDWR);
    }

    void onInput(const char* bytes, std::size_t length, const Peer& peer) override {
        const auto session = session_of(peer);
        if (!session) return;
        try {
            session->on_input({bytes, length});
            if (length >= pistache_piece) take_more(peer->fd(), *session);
            if (session->is_leaving()) leaving_.push_back(peer);
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "connection_failed", {{"error", error.what()}});
            session->cut();
        }
    }

    void onDisconnection(const Peer& peer) override {
        const auto session = session_of(peer);
        if (!session) return;
        try {
            session->on_end();
            clients_->on_end(*session);
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "disconnection_failed", {{"error", error.what()}});
        }
    }

    // Peers that the reading side is to let go of, as another protocol is spoken there.
    std::vector<Peer> take_leaving() { return std::exchange(leaving_, {}); }

    void hand_over(const Peer& peer) {
        const auto session = session_of(peer);
        clients_->on_end(*session);
        session->leave();
    }

private:
    // Pistache reads 4 KiB at a time, which for a megabyte is 256 calls and 256 turns of the
    // parser. A full piece promises more: that is taken here, in large pieces, before Pistache
    // looks again.
    static void take_more(int fd, Session& session) {
        static thread_local std::array<char, 256 * 1024> buffer;
        for (int round = 0; round < most_rounds; ++round) {
            const auto length = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (length <= 0) return;  // the end, too, is for Pistache to see
            session.on_input({buffer.data(), static_cast<std::size_t>(length)});
        }
    }

    static std::shared_ptr<Session> session_of(const Peer& peer) {
        const auto hold = std::static_pointer_cast<Hold>(peer->tryGetData(session_key));
        return hold ? hold->session : nullptr;
    }

    Clients* clients_;
    std::vector<Peer> leaving_;  // handlers are cloned for each thread
};

bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

// Pistache's transport of one reactor thread, which also accepts. A new peer never changes threads.
class Acceptor : public Pistache::Tcp::Transport {
public:
    using List = std::vector<Acceptor*>;

    // The clones that the reactor makes for its threads enter themselves in `acceptors`.
    Acceptor(std::vector<int> listening, Clients& clients, List& acceptors)
        : Acceptor(std::move(listening), std::make_shared<PeerHandler>(clients), acceptors) {}

    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;
    ~Acceptor() override {
        // Only what is left when the reactor has ended: Peer does not own its descriptor.
        for (const auto& [fd, peer] : peers) ::close(fd);
    }

    std::shared_ptr<Pistache::Aio::Handler> clone() const override {
        const auto copy = std::make_shared<Acceptor>(listening_, handler_->clone(), acceptors_);
        acceptors_.push_back(copy.get());
        return copy;
    }

    Acceptor(std::vector<int> listening, std::shared_ptr<Pistache::Tcp::Handler> handler,
             List& acceptors)
        : Transport(handler),
          listening_(std::move(listening)),
          handler_(std::move(handler)),
          acceptors_(acceptors) {}

    // Edge-triggered: a shortage must not wake the thread again and again.
    void registerPoller(polling::Epoll& poller) override {
        Transport::registerPoller(poller);
        for (const int fd : listening_) poller.addFd(fd, readable, tag_of(fd), polling::Mode::Edge);
        poller_ = &poller;
    }

    void onReady(const Pistache::Aio::FdSet& fds) override {
        for (const auto& entry : fds)
            for (const int fd : listening_)
                if (entry.getTag() == tag_of(fd)) accept_all(fd);
        Transport::onReady(fds);
        let_go();
    }

    // From any thread.
    void accept_again() {
        if (!short_.exchange(false)) return;
        for (const int fd : listening_)
            poller_->rearmFd(fd, readable, tag_of(fd), polling::Mode::Edge);
    }

private:
    static polling::Tag tag_of(int fd) { return polling::Tag(static_cast<std::uint64_t>(fd)); }

    void accept_all(int listening) {
        while (true) {
            auto address = sockaddr_storage{};
            auto size = socklen_t{sizeof address};
            // SAFETY: the sockets API takes every address as a sockaddr; `size` bounds it.
            auto* const generic = reinterpret_cast<sockaddr*>(&address);
            auto socket =
                sys::UniqueFd(::accept4(listening, generic, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
            if (socket) {
                // Pistache knows no other addresses; who is there, the socket tells.
                if (address.ss_family == AF_UNIX) address = {.ss_family = AF_INET};
                admit(std::move(socket), generic);
            } else if (is_shortage(errno)) {
                if (!short_.exchange(true))
                    sys::log(sys::Level::warn, "accept_paused", {{"error", sys::describe(errno)}});
                return;
            } else if (errno == EAGAIN || errno == EINVAL || errno == EBADF) {
                return;  // nobody there, or accepting has been stopped
            }
            // Anything else is the fate of one client before it was accepted (man 2 accept).
        }
    }

    void admit(sys::UniqueFd socket, sockaddr* address) {
        auto peer = Peer{};
        try {
            peer = Pistache::Tcp::Peer::Create(socket.get(), Pistache::Address::fromUnix(address));
            handleNewPeer(peer);
            // From here on the transport closes it.
            static_cast<void>(socket.release());
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "connection_failed", {{"error", error.what()}});
            if (peer && peers.erase(socket.get()) > 0)
                static_cast<PeerHandler&>(*handler_).onDisconnection(peer);
        }
    }

    // After Pistache's own turn, in which it may still read from them. It closes its descriptor;
    // the connection lives on in the output's.
    void let_go() {
        auto& handler = static_cast<PeerHandler&>(*handler_);
        for (const auto& peer : handler.take_leaving()) {
            const auto there = peers.find(peer->fd());
            if (there == peers.end() || there->second != peer) continue;  // it has ended meanwhile
            removePeer(peer);
            handler.hand_over(peer);
        }
    }

    const std::vector<int> listening_;
    const std::shared_ptr<Pistache::Tcp::Handler> handler_;
    List& acceptors_;
    polling::Epoll* poller_ = nullptr;
    std::atomic<bool> short_ = false;  // of descriptors or memory
};

}  // namespace

class Reading::Reactor {
public:
    Reactor(std::vector<sys::UniqueFd> sockets, int threads, Clients& clients)
        : sockets_(std::move(sockets)), reactor_(Pistache::Aio::Reactor::create()) {
        std::vector<int> listening;
        for (const auto& socket : sockets_) listening.push_back(socket.get());
        reactor_->init(Pistache::Aio::AsyncContext(static_cast<std::size_t>(threads), "http"));
        reactor_->addHandler(std::make_shared<Acceptor>(std::move(listening), clients, acceptors_));
        const auto signals = BlockedSignals{};
        reactor_->run();
    }

    Reactor(const Reactor&) = delete;
    Reactor& operator=(const Reactor&) = delete;
    ~Reactor() { reactor_->shutdown(); }

    // Linux: a listening socket that is shut down listens no more, and accept says EINVAL.
    void stop_accepting() {
        for (const auto& socket : sockets_) ::shutdown(socket.get(), SHUT_RDWR);
    }

    void accept_again() {
        for (auto* const acceptor : acceptors_) acceptor->accept_again();
    }

private:
    const std::vector<sys::UniqueFd> sockets_;
    Acceptor::List acceptors_;                               // complete before the threads start
    const std::shared_ptr<Pistache::Aio::Reactor> reactor_;  // joins its threads
};

Reading::Reading(std::vector<sys::UniqueFd> sockets, int threads, Clients& clients)
    : reactor_(std::make_unique<Reactor>(std::move(sockets), threads, clients)) {}

Reading::~Reading() = default;

void Reading::stop_accepting() {
    reactor_->stop_accepting();
}

void Reading::accept_again() {
    reactor_->accept_again();
}

}  // namespace http
