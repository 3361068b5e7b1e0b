#include "isolate/keeper/root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "isolate/gate/word.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"

namespace keeper {

namespace {

namespace fs = std::filesystem;

// Nothing can be created inside a container, so every mount point exists from the start.
constexpr const char* directories[] = {"usr", "etc", "dev", "proc", "box", "tmp", "crankcase"};

// The part of the host's /etc that toolchains read. Of these only what any local user may read is
// copied; passwd and group are our own, so that no program learns the names of the host's users.
constexpr const char* copied_from_etc[] = {
    "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",   "localtime",       "timezone",
    "mime.types",   "protocols",   "services",   "locale.alias",   "ssl/openssl.cnf", "ssl/certs",
    "inputrc",      "fonts",       "R",          "gai.conf",       "magic",           "terminfo",
    "perl",         "php",         "os-release", "debian_version",
};
// Directories with a version in their name.
constexpr const char* copied_prefixes[] = {"java-", "python", "ruby", "lua"};

constexpr const char* passwd =
    "root:x:0:0:root:/:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
constexpr const char* group = "root:x:0:\nnogroup:x:65534:\n";
constexpr const char* hosts = "127.0.0.1 localhost\n::1 localhost\n";
constexpr const char* nsswitch =
    "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n";

struct Device {
    const char* name;
    unsigned major, minor;  // Documentation/admin-guide/devices.txt
};

constexpr Device devices[] = {
    {"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9},
};

constexpr std::pair<const char*, const char*> device_links[] = {
    {"fd", "/proc/self/fd"},
    {"stdin", "/proc/self/fd/0"},
    {"stdout", "/proc/self/fd/1"},
    {"stderr", "/proc/self/fd/2"},
};

void mount(const char* source, const std::string& target, const char* type, unsigned long flags,
           const std::string& options) {
    if (SYS_FAIL_POINT("keeper.mount",
                       ::mount(source, target.c_str(), type, flags, options.c_str())) != 0) {
        sys::fail("mount " + std::string{type ? type : source} + " on " + target);
    }
}

void make_directory(const std::string& path) {
    if (SYS_FAIL_POINT("keeper.make_directory", ::mkdir(path.c_str(), 0755)) != 0 &&
        errno != EEXIST)
        sys::fail("mkdir " + path);
}

// Makes a directory the current one for as long as this lives. An overlay shows in every
// /proc/mounts the names it was mounted by: relative ones say nothing of where the host keeps us.
class Inside {
public:
    explicit Inside(const std::string& directory)
        : before_(sys::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)) {
        if (::chdir(directory.c_str()) != 0) sys::fail("enter " + directory);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    // What was the current directory a moment ago can be that again; were it not, every path here
    // would still be absolute.
    ~Inside() { [[maybe_unused]] const int ignored = ::fchdir(before_.get()); }

private:
    sys::UniqueFd before_;
};

void make_link(const std::string& target, const std::string& path) {
    if (SYS_FAIL_POINT("keeper.make_link", ::symlink(target.c_str(), path.c_str())) != 0)
        sys::fail("symlink " + path);
}

void write_new_file(const std::string& path, std::string_view text, mode_t mode = 0644) {
    const auto file = sys::open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (SYS_FAIL_POINT("keeper.write_new_file", ::write(file.get(), text.data(), text.size())) !=
        static_cast<ssize_t>(text.size())) {
        sys::fail("write " + path);
    }
}

bool readable_by_all(const fs::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0;
}

// Copies files, links and directories that everybody may read; sockets, devices and the rest are
// left.
void copy_readable(const fs::path& from, const fs::path& to) {
    const auto status = fs::symlink_status(from);
    if (fs::is_symlink(status)) {
        fs::create_directories(to.parent_path());
        return fs::copy_symlink(from, to);
    }
    if (!readable_by_all(from)) return;
    if (fs::is_regular_file(status)) {
        fs::create_directories(to.parent_path());
        fs::copy_file(from, to);
        fs::permissions(to, fs::perms{0644});
        // Caches go by it: a Python that finds its site configuration "changed" compiles it in
        // every job.
        fs::last_write_time(to, fs::last_write_time(from));
    } else if (fs::is_directory(status)) {
        fs::create_directories(to);
        for (const auto& entry : fs::directory_iterator{from})
            copy_readable(entry.path(), to / entry.path().filename());
    }
}

// A runner's mounts until all of them are there: half of them must not be taken for the whole next
// time.
class HalfMade {
public:
    HalfMade(const std::string& own, const Root::Mounts& mounts) : own_(own), mounts_(mounts) {}
    HalfMade(const HalfMade&) = delete;
    HalfMade& operator=(const HalfMade&) = delete;
    ~HalfMade() {
        if (whole_) return;
        for (const auto& target : {mounts_.root, mounts_.usr, mounts_.etc})
            ::umount2(target.c_str(), MNT_DETACH);  // those that are none say EINVAL
        std::error_code error;
        fs::remove_all(own_, error);
    }
    void is_whole() { whole_ = true; }

private:
    const std::string& own_;
    const Root::Mounts& mounts_;
    bool whole_ = false;
};

}  // namespace

Root::Root(const Options& options)
    : base_(options.run_directory + "/mounts"),
      layers_(options.data_directory + "/layers"),
      first_uid_(options.first_uid) {
    sys::make_directories(base_);
    if (SYS_FAIL_POINT("keeper.unshare", ::unshare(CLONE_NEWNS)) != 0)
        sys::fail("unshare the mount namespace");
    mount("none", "/", nullptr, MS_REC | MS_PRIVATE, "");
    mount("crankcase", base_, "tmpfs", MS_NOSUID, "mode=0755");
    for (const char* name : {"skeleton", "etc", "empty", "staging"})
        make_directory(base_ + "/" + name);
    lay_out_skeleton(options.init_program);
    lay_out_etc();
}

void Root::lay_out_skeleton(const std::string& init_program) {
    const auto skeleton = base_ + "/skeleton";
    for (const char* directory : directories) make_directory(skeleton + "/" + directory);
    // A host with a merged /usr has these as links; the same links work in a container.
    for (const char* name : {"bin", "sbin", "lib", "lib32", "lib64", "libx32"}) {
        std::error_code error;
        const auto target = fs::read_symlink(std::string{"/"} + name, error);
        if (!error) make_link(target.string(), skeleton + "/" + name);
    }
    if (!fs::is_symlink("/bin")) {
        throw sys::Error(
            sys::Kind::broken,
            "the host's /bin is not a link into /usr; only merged-/usr hosts are supported");
    }
    write_new_file(skeleton + "/crankcase/init", sys::read_file(init_program), 0755);
    make_link("init", skeleton + "/crankcase/timeout");
    write_new_file(skeleton + isolate::gate::library,
                   sys::read_file(fs::path{init_program}.parent_path() / "crankcase-gate.so"),
                   0755);
    make_directory(skeleton + "/crankcase/empty");
}

void Root::lay_out_etc() {
    const auto etc = base_ + "/etc";
    write_new_file(etc + "/passwd", passwd);
    write_new_file(etc + "/group", group);
    write_new_file(etc + "/hosts", hosts);
    write_new_file(etc + "/nsswitch.conf", nsswitch);
    for (const char* name : copied_from_etc) {
        const auto from = fs::path{"/etc"} / name;
        if (fs::exists(fs::symlink_status(from))) copy_readable(from, fs::path{etc} / name);
    }
    for (const auto& entry : fs::directory_iterator{"/etc"}) {
        const auto name = entry.path().filename().string();
        for (const char* prefix : copied_prefixes) {
            if (name.starts_with(prefix)) copy_readable(entry.path(), fs::path{etc} / name);
        }
    }
}

// What only the root of one container may see: there the spawner stacks layers to other roots.
void Root::lay_out_private(const std::string& path, std::uint32_t uid) {
    const auto layers = path + "/layers";
    for (const auto* name :
         {"", "/layers", "/layers/store", "/layers/self", "/layers/root", "/layers/points"})
        make_directory(path + name);
    for (const auto* name : {"dev", "proc", "box", "tmp", "crankcase"})
        make_directory(layers + "/points/" + name);
    if (SYS_FAIL_POINT("keeper.own_layers", ::chown(layers.c_str(), uid, uid)) != 0 ||
        ::chmod(layers.c_str(), 0700) != 0) {
        sys::fail("chown " + layers);
    }
}

Root::Mounts Root::runner(std::uint32_t index) {
    const auto own = base_ + "/r" + std::to_string(index);
    Mounts mounts{own + "/root", own + "/usr", own + "/etc", own + "/dev", layers_};
    if (::access(own.c_str(), F_OK) == 0) return mounts;
    HalfMade half{own, mounts};
    lay_out_runner(own, mounts, first_uid_ + index * ids_per_runner);
    half.is_whole();
    return mounts;
}

void Root::lay_out_runner(const std::string& own, const Mounts& mounts, std::uint32_t uid) {
    for (const auto& path : {own, mounts.root, mounts.usr, mounts.etc, mounts.dev})
        make_directory(path);
    lay_out_private(own + "/private", uid);
    // Without an upper directory an overlay needs two lower ones.
    const std::pair<std::string, std::string> overlays[] = {
        {"private:../skeleton", mounts.root},
        {"/usr:../empty", mounts.usr},
        {"../etc:../empty", mounts.etc},
    };
    const Inside inside{own};
    for (const auto& [lowers, target] : overlays) {
        mount("overlay", target, "overlay", MS_RDONLY | MS_NOATIME | MS_NOSUID | MS_NODEV,
              "lowerdir=" + lowers);
    }
    for (const auto& [name, major, minor] : devices) {
        const auto path = mounts.dev + "/" + name;
        if (SYS_FAIL_POINT("keeper.make_device",
                           ::mknod(path.c_str(), S_IFCHR, ::makedev(major, minor))) != 0 ||
            ::chmod(path.c_str(), 0666) != 0) {
            sys::fail("mknod " + path);
        }
    }
    for (const auto& [name, target] : device_links) make_link(target, mounts.dev + "/" + name);
    make_directory(mounts.dev + "/shm");
}

}  // namespace keeper
