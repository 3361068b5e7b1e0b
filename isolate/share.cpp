#include "isolate/share.h"

#include <algorithm>

namespace isolate {

namespace {

// Two are ours: the spawner and the PID 1 of the box.
constexpr int no_crowd = 10;

}  // namespace

int share_of(int processes) {
    return std::max(smallest_share, whole_share * no_crowd / std::max(no_crowd, processes));
}

}  // namespace isolate
