// One runner's groups on cgroup v2: a leaf per stage, made and removed here through the directory
// the keeper handed over; the limit on its parent holds for everything of the runner together.
#pragma once

#include <string>
#include <vector>

#include "isolate/cgroup.h"

namespace isolate {

class CgroupV2 : public Cgroup {
public:
    // `files`: the directory `jobs`, its memory.max, its pids.current.
    explicit CgroupV2(std::vector<sys::UniqueFd> files);
    ~CgroupV2() override;

    int begin(const config::Limits& limits) override;
    std::chrono::microseconds cpu_time() const override;
    void lift_quota() override;
    Usage end() override;
    int processes() const override;

private:
    void write(const char* name, const std::string& value);
    void remove_leaf();

    sys::UniqueFd jobs_, memory_max_, pids_current_;
    sys::UniqueFd leaf_;
    std::string leaf_name_;
    sys::UniqueFd cpu_stat_;
    bool quota_on_ = false;
    unsigned next_leaf_ = 0;
};

}  // namespace isolate
