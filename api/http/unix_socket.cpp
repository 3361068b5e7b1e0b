#include "api/http/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "api/http/message.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace http {

namespace {

constexpr int backlog = 1024;

sockaddr_un address_of(const std::string& path) {
    auto address = sockaddr_un{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw sys::Error(sys::Kind::invalid, "server.socket " + path + ": longer than " +
                                                 std::to_string(sizeof address.sun_path - 1) +
                                                 " bytes, which is the most the kernel takes");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

sys::UniqueFd new_socket() {
    return sys::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// SAFETY: the sockets API takes every address as a sockaddr.
const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

enum class Found { nothing, dead, alive, no_socket };

Found look_at(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return Found::nothing;
    if (!S_ISSOCK(status.st_mode)) return Found::no_socket;
    const auto probe = new_socket();
    const auto address = address_of(path);
    const bool refused = ::connect(probe.get(), generic(address), sizeof address) != 0;
    return refused && errno == ECONNREFUSED ? Found::dead : Found::alive;
}

}  // namespace

sys::UniqueFd listen_on_path(const std::string& path, const SocketAccess& access) {
    const auto address = address_of(path);
    const auto what = "cannot listen on server.socket " + path;
    sys::make_directories(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
    const auto found = look_at(path);
    if (found == Found::alive) throw sys::Error(sys::Kind::invalid, what + ": somebody does");
    if (found == Found::no_socket)
        throw sys::Error(sys::Kind::invalid, what + ": something else is there");
    if (found == Found::dead) ::unlink(path.c_str());
    auto socket = new_socket();
    if (!socket) sys::fail(what);
    // Nobody else's from its birth; then as it is to be.
    const auto mask = ::umask(0177);
    const int bound = ::bind(socket.get(), generic(address), sizeof address);
    const int error = errno;
    ::umask(mask);
    if (bound != 0) sys::fail(what, error);
    if (::lchown(path.c_str(), access.owner, access.group) != 0 ||
        ::chmod(path.c_str(), access.mode) != 0)
        sys::fail(what + ": owner and mode");
    if (::listen(socket.get(), backlog) != 0) sys::fail(what);
    return socket;
}

void remove_dead_socket(const std::string& path) {
    if (!path.empty() && path.size() < sizeof(sockaddr_un::sun_path) &&
        look_at(path) == Found::dead)
        ::unlink(path.c_str());
}

std::string socket_client_of(int fd) {
    int domain = 0;
    socklen_t size = sizeof domain;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0 || domain != AF_UNIX)
        return {};
    auto peer = ucred{};
    size = sizeof peer;
    const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    return std::string(socket_client) + (known ? std::to_string(peer.uid) : "");
}

}  // namespace http
