// Where a control's programs run. All of it lies in namespaces of the control's own, and dies with
// them.
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/hostile/control/order.h"

namespace control {

namespace {

constexpr const char* writable[] = {"/tmp", "/var/tmp", "/dev/shm", "/run/lock"};
constexpr const char* directory = "/tmp/box";

bool is_directory(const char* path) {
    struct stat status {};
    return ::lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

void mount(const char* source, const char* target, const char* type, unsigned long flags,
           const char* options = nullptr) {
    must(::mount(source, target, type, flags, options) == 0, target);
}

// /usr under a layer that anybody may write: what is written stays in that layer.
void open_usr() {
    mount("layer", "/media", "tmpfs", MS_NODEV | MS_NOSUID, "size=8m,mode=0755");
    must(::mkdir("/media/upper", 0777) == 0 && ::chmod("/media/upper", 0777) == 0 &&
             ::mkdir("/media/work", 0755) == 0,
         "make a layer");
    mount("usr", "/usr", "overlay", MS_NODEV | MS_NOSUID,
          "lowerdir=/usr,upperdir=/media/upper,workdir=/media/work");
}

// A program of another user that runs as that user; neither is anybody.
void lay_out_setid(const Order& order) {
    const int from = ::open("/usr/bin/id", O_RDONLY | O_CLOEXEC);
    const int to = ::open("/tmp/setid", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    must(from >= 0 && to >= 0, "/tmp/setid");
    char bytes[65536];
    for (ssize_t length = 0; (length = ::read(from, bytes, sizeof bytes)) > 0;)
        must(::write(to, bytes, static_cast<std::size_t>(length)) == length, "/tmp/setid");
    must(::fchown(to, order.uid + 1, order.uid + 1) == 0 && ::fchmod(to, 04755) == 0, "/tmp/setid");
    ::close(from);
    ::close(to);
}

ifreq named(const char* name) {
    ifreq request{};
    std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
    return request;
}

void bring_up(int socket, const char* name) {
    auto request = named(name);
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    must(::ioctl(socket, SIOCSIFFLAGS, &request) == 0, name);
}

// Answers on every address of this namespace; nobody has to accept for a client to be connected.
void listen_on(int port) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    // The socket interface wants the generic type; the layout is shared by design (man 7 ip).
    must(socket >= 0 &&
             ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
             ::listen(socket, 8) == 0,
         "listen");
}

void limit(__rlimit_resource resource, rlim_t most, rlim_t soft) {
    const rlimit limits{soft, most};
    must(::setrlimit(resource, &limits) == 0, "setrlimit");
}

// Far above the ceilings of the programs, and low enough for any machine.
void hang_the_net(const Order& order) {
    constexpr rlim_t mebibyte = 1 << 20;
    limit(RLIMIT_NPROC, 600, 600);
    limit(RLIMIT_DATA, 512 * mebibyte, 512 * mebibyte);
    limit(RLIMIT_STACK, 512 * mebibyte,
          (order.without == "limit on the stack" ? 512 : 8) * mebibyte);
    limit(RLIMIT_NOFILE, 1024, 1024);
    limit(RLIMIT_CPU, 60, order.without == "hard limit on CPU" ? 1 : 60);
    // Says that a core may be written, and is too small for any (man 5 core).
    limit(RLIMIT_CORE, 1, 0);
    if (order.without == "memory counted as used") limit(RLIMIT_AS, 32 * mebibyte, 32 * mebibyte);
}

// Raised by an ordinary user it can be lowered again, by anybody.
void raise_oom_score() {
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    must(fd >= 0 && ::write(fd, "1000", 4) == 4, "oom_score_adj");
    ::close(fd);
}

}  // namespace

void arrange_mounts(const Order& order) {
    mount("none", "/", nullptr, MS_REC | MS_PRIVATE);
    mount(order.place.c_str(), "/mnt", nullptr, MS_BIND);
    mount("none", "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID);
    if (order.without == "read-only root") open_usr();
    const unsigned long setid = order.without == "nosuid" ? 0 : MS_NOSUID;
    for (const char* path : writable)
        if (is_directory(path))
            mount("scratch", path, "tmpfs", MS_NODEV | setid,
                  "size=192m,nr_inodes=20000,mode=1777");
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    must(::mkdir(directory, 0700) == 0 && ::chown(directory, order.uid, order.uid) == 0, directory);
    if (order.without == "nosuid") lay_out_setid(order);
}

void arrange_network(const Order& order) {
    if (order.without == "loopback") return;
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(socket >= 0, "socket");
    bring_up(socket, "lo");
    if (order.without == "empty network") {
        // The world: an address of documentation (RFC 5737) that answers.
        auto request = named("lo:1");
        sockaddr_in address{};
        address.sin_family = AF_INET;
        must(::inet_pton(AF_INET, "192.0.2.1", &address.sin_addr) == 1, "inet_pton");
        std::memcpy(&request.ifr_addr, &address, sizeof address);
        must(::ioctl(socket, SIOCSIFADDR, &request) == 0, "lo:1");
        listen_on(80);
        listen_on(order.port);
    }
    ::close(socket);
}

// Somebody else in the same pid namespace.
void arrange_neighbours(const Order& order) {
    if (order.without != "private pids") return;
    const pid_t neighbour = ::fork();
    must(neighbour >= 0, "fork");
    if (neighbour != 0) return;
    must(::setresuid(order.uid, order.uid, order.uid) == 0, "setresuid");
    for (;;) ::pause();
}

void become(const Order& order, const std::vector<std::string>& program) {
    must(::setsid() >= 0, "setsid");
    hang_the_net(order);
    must(::chdir(directory) == 0, directory);
    if (order.without == "closed descriptors")
        must(::dup2(STDIN_FILENO, 9) == 9, "dup2");
    else
        must(::syscall(SYS_close_range, 3U, ~0U, 0U) == 0, "close_range");
    must(::setgroups(0, nullptr) == 0, "setgroups");
    must(::setresgid(order.uid, order.uid, order.uid) == 0, "setresgid");
    must(::setresuid(order.uid, order.uid, order.uid) == 0, "setresuid");
    // Ordinary users' processes can be looked at; this one was root's a moment ago.
    must(::prctl(PR_SET_DUMPABLE, 1) == 0, "PR_SET_DUMPABLE");
    raise_oom_score();
    if (order.without != "nosuid")
        must(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "PR_SET_NO_NEW_PRIVS");
    std::vector<char*> argv;
    // execve changes none of them.
    for (const auto& word : program) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    char path[] = "PATH=/usr/local/bin:/usr/bin:/bin", home[] = "HOME=/tmp/box";
    char secret[] = "CONTROL_SECRET=told";
    char* environment[] = {path, home, order.without == "masked proc" ? secret : nullptr, nullptr};
    ::execve(argv[0], argv.data(), environment);
    must(false, argv[0]);
    ::_exit(127);
}

}  // namespace control
