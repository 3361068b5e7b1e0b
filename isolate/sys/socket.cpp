#include "isolate/sys/socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "isolate/sys/fail_point.h"

namespace sys {

namespace {

constexpr std::size_t max_pieces = 8;

// Room for the descriptors and, where asked for, the sender's credentials.
union ControlBuffer {
    cmsghdr alignment;
    char bytes[CMSG_SPACE(sizeof(int) * max_passed_fds) + CMSG_SPACE(sizeof(ucred))];
};

void adopt_fds(const cmsghdr& control, PassedFds& passed) {
    const auto count = (control.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(&control) + i * sizeof fd, sizeof fd);
        UniqueFd owned{fd};
        if (passed.count < max_passed_fds) passed.fds[passed.count++] = std::move(owned);
    }
}

}  // namespace

SocketPair socket_pair() {
    int ends[2];
    if (SYS_FAIL_POINT("sys.socketpair",
                       ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) != 0)
        return {};
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

int send_message(const UniqueFd& socket, std::span<const std::span<const std::byte>> pieces,
                 std::span<const int> fds) {
    if (pieces.size() > max_pieces || fds.size() > max_passed_fds) return -E2BIG;
    iovec parts[max_pieces];
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        // sendmsg does not write through iov_base; the cast is what the interface asks for.
        parts[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = pieces.size();
    ControlBuffer control{};
    if (!fds.empty()) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
    }
    while (SYS_FAIL_POINT("sys.send", ::sendmsg(socket.get(), &message, MSG_NOSIGNAL)) < 0) {
        if (errno != EINTR) return -errno;
    }
    return 0;
}

static ssize_t receive(const UniqueFd& socket, std::span<std::byte> buffer, PassedFds& passed,
                       int flags, pid_t* sender) {
    for (auto& fd : passed.fds) fd.reset();
    passed.count = 0;
    iovec part{buffer.data(), buffer.size()};
    ControlBuffer control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t length = 0;
    while ((length = SYS_FAIL_POINT(
                "sys.receive", ::recvmsg(socket.get(), &message, flags | MSG_CMSG_CLOEXEC))) < 0) {
        if (errno != EINTR) return -errno;
    }
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header;
         header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET) continue;
        if (header->cmsg_type == SCM_RIGHTS) adopt_fds(*header, passed);
        if (header->cmsg_type == SCM_CREDENTIALS && sender) {
            ucred credentials{};
            std::memcpy(&credentials, CMSG_DATA(header), sizeof credentials);
            *sender = credentials.pid;
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) return -EMSGSIZE;
    return length;
}

ssize_t receive_message(const UniqueFd& socket, std::span<std::byte> buffer, PassedFds& passed,
                        int flags) {
    return receive(socket, buffer, passed, flags, nullptr);
}

ssize_t receive_with_pid(const UniqueFd& socket, std::span<std::byte> buffer, PassedFds& passed,
                         pid_t& sender) {
    sender = 0;
    return receive(socket, buffer, passed, 0, &sender);
}

}  // namespace sys
