// What a job's directory holds, as a value: read out of one box, placed in others.
//
// It is written by crankcase-init as a stage of its own (`/crankcase/init pack`), as the job's user
// in the job's box, after everything that ran there is dead; the daemon never opens a path in a
// box. What comes out of the pipe is as untrusted as any output: read_tree() believes nothing of
// it, and the spawner that places an entry checks again. Kept are regular files, whether they may
// be executed, directories and links; neither owners, times nor other modes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/protocol.h"

namespace isolate {

struct TreeEntry {
    EntryKind kind = EntryKind::file;
    std::string name;     // relative; no empty part, no "." and no ".."
    std::string content;  // of a link: where it leads

    bool operator==(const TreeEntry&) const = default;
};

// Directories first, parents before what is in them; then files, the one that was written last at
// the end, so that what was newer stays newer; then links, so that nothing is placed through one.
using Tree = std::vector<TreeEntry>;

// Nothing if the bytes are not one whole tree with names that a job's directory can have.
std::optional<Tree> read_tree(std::string_view bytes);

// What read_tree() makes the same tree of.
std::string write_tree(const Tree& tree);

}  // namespace isolate
