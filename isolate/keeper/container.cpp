#include "isolate/keeper/container.h"

#include <lxc/lxccontainer.h>

#include <cstdio>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "isolate/sys/fail_point.h"

namespace keeper {

namespace {

struct PutContainer {
    void operator()(lxc_container* container) const { ::lxc_container_put(container); }
};

// What init and the spawner need to make boxes; everything else is dropped. None of it reaches
// beyond the container's user namespace.
constexpr const char* kept_capabilities =
    "sys_admin setuid setgid setpcap kill chown sys_chroot dac_override fowner sys_resource";

using Settings = std::vector<std::pair<const char*, std::string>>;

std::string bind_entry(const std::string& source, const char* target, const char* options) {
    return source + " " + target + " none bind," + options + " 0 0";
}

Settings configuration(const ContainerPlan& plan) {
    const auto ids = " 0 " + std::to_string(plan.first_uid) + " 65536";
    return {
        {"lxc.rootfs.path", "dir:" + plan.mounts.root},
        {"lxc.rootfs.mount", plan.staging},
        {"lxc.uts.name", "crankcase"},
        {"lxc.idmap", "u" + ids},
        {"lxc.idmap", "g" + ids},
        // A network namespace with the loopback device only, and that up.
        {"lxc.net.0.type", "empty"},
        {"lxc.net.0.flags", "up"},
        {"lxc.tty.max", "0"},
        {"lxc.pty.max", "0"},
        {"lxc.console.path", "none"},
        // liblxc's own /dev costs 6 ms a start and holds more than a job may have.
        {"lxc.autodev", "0"},
        // Fully visible, or the kernel refuses the new /proc of every box; nothing but init sees
        // this one.
        {"lxc.mount.auto", "proc:rw"},
        {"lxc.mount.entry", bind_entry(plan.mounts.usr, "usr", "ro,nosuid,nodev")},
        {"lxc.mount.entry", bind_entry(plan.mounts.etc, "etc", "ro,nosuid,nodev,noexec")},
        {"lxc.mount.entry", bind_entry(plan.mounts.dev, "dev", "ro,nosuid,noexec")},
        {"lxc.mount.entry", bind_entry(plan.mounts.layers, "layers/store", "ro,nosuid,nodev")},
        {"lxc.cap.keep", kept_capabilities},
        {"lxc.no_new_privs", "1"},
        // On hosts with AppArmor a container without this line does not start; the box has seccomp.
        {"lxc.apparmor.profile", "unconfined"},
        {"lxc.signal.halt", "SIGKILL"},
        {"lxc.cgroup.dir.container", plan.group},
        {"lxc.cgroup.dir.monitor", plan.monitor_group},
        {"lxc.cgroup.dir.monitor.pivot", plan.pivot_group},
        {"lxc.log.file", plan.log_file},
        {"lxc.log.level", "ERROR"},
    };
}

}  // namespace

int run_container(const ContainerPlan& plan) {
    const std::unique_ptr<lxc_container, PutContainer> container{
        ::lxc_container_new(plan.name.c_str(), plan.lxc_path.c_str())};
    if (!container) return 10;
    if (SYS_FAIL_POINT("keeper.configure", 0) != 0) return 11;
    container->clear_config(container.get());
    for (const auto& [key, value] : configuration(plan)) {
        if (!container->set_config_item(container.get(), key, value.c_str())) {
            std::fprintf(stderr, "liblxc refuses %s = %s\n", key, value.c_str());
            return 11;
        }
    }
    // In the foreground: only then do the two sockets reach init.
    if (!container->want_daemonize(container.get(), false)) return 12;
    const auto ctl = std::to_string(plan.ctl);
    const auto work = std::to_string(plan.work);
    std::string program = "/crankcase/init";
    std::string arguments[] = {program, ctl, work, std::to_string(plan.fail_points)};
    char* const argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(),
                          plan.fail_points < 0 ? nullptr : arguments[3].data(), nullptr};
    if (SYS_FAIL_POINT("keeper.lxc_start", 0) != 0) return 13;
    return container->start(container.get(), 0, argv) ? 0 : 13;
}

const char* lxc_version() {
    return ::lxc_get_version();
}

}  // namespace keeper
