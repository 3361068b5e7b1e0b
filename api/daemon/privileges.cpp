#include "api/daemon/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace daemon_process {

isolate::DaemonUser find_user(const std::string& name) {
    const passwd* entry = ::getpwnam(name.c_str());  // before there is a second thread
    if (!entry) {
        throw sys::Error(sys::Kind::not_found,
                         "there is no user " + name +
                             " for the daemon to become: make one with `useradd --system " + name +
                             "`, or name another with the setting `user`");
    }
    if (entry->pw_uid == 0)
        throw sys::Error(sys::Kind::invalid, "the setting `user` must not be root");
    return {entry->pw_uid, entry->pw_gid};
}

gid_t find_group(const std::string& name) {
    const group* entry = ::getgrnam(name.c_str());  // before there is a second thread
    if (!entry) {
        throw sys::Error(sys::Kind::not_found, "there is no group " + name +
                                                   " (server.socket_group): make one with "
                                                   "`groupadd --system " +
                                                   name + "`, or name another");
    }
    return entry->gr_gid;
}

void make_directory_for(const isolate::DaemonUser& user, const std::string& path) {
    if (::access(path.c_str(), F_OK) == 0) return;
    sys::make_directories(path);
    if (::chown(path.c_str(), user.uid, user.gid) != 0) sys::fail("chown " + path);
}

void become(const isolate::DaemonUser& user) {
    const pid_t parent = ::getppid();
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0)
            sys::fail("empty the capability bounding set");
    }
    if (::setgroups(0, nullptr) != 0) sys::fail("setgroups");
    if (::setresgid(user.gid, user.gid, user.gid) != 0) sys::fail("setresgid");
    if (::setresuid(user.uid, user.uid, user.uid) != 0) sys::fail("setresuid");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) sys::fail("no_new_privs");
    if (::setresuid(0, 0, 0) == 0)
        throw sys::Error(sys::Kind::broken, "root was given up and came back");
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) sys::fail("PR_SET_PDEATHSIG");
    if (::getppid() != parent) ::_exit(1);
}

}  // namespace daemon_process
