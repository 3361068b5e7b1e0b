// What a container sees as its root: laid out once on a tmpfs in the keeper's own mount namespace,
// so that no mount of ours is ever visible on the host and all vanish with the keeper.
//
// Every runner gets overlays of its own of the root, /usr and /etc, read-only: the same files and
// the same page cache, but inodes of its own, so that file locks and inotify watches do not cross
// runners (a plain bind mount lets both through, to the host too). /dev is five device nodes of its
// own.
#pragma once

#include <cstdint>
#include <string>

#include "isolate/keeper/options.h"

namespace keeper {

class Root {
public:
    // Enters a private mount namespace and lays out the tree. Throws sys::Error{broken}.
    explicit Root(const Options& options);

    // Paths a container's configuration needs.
    struct Mounts {
        std::string root, usr, etc, dev, layers;
    };

    // The mounts of one runner, made on first use and kept: they hold no state.
    Mounts runner(std::uint32_t index);

    // An existing empty directory for liblxc to mount the root on before it pivots there.
    std::string staging() const { return base_ + "/staging"; }

    // Where liblxc writes what it has to say about one runner.
    std::string log_file(std::uint32_t index) const {
        return base_ + "/r" + std::to_string(index) + ".log";
    }

private:
    void lay_out_skeleton(const std::string& init_program);
    void lay_out_etc();
    void lay_out_private(const std::string& path, std::uint32_t uid);
    void lay_out_runner(const std::string& own, const Mounts& mounts, std::uint32_t uid);

    std::string base_;
    std::string layers_;
    std::uint32_t first_uid_;
};

}  // namespace keeper
