// One runner's groups on cgroup v2: a leaf per stage, made and removed here through the directory
// the keeper handed over; the limit on its parent holds for everything of the runner together.
#pragma once

#include <string>
#include <vector>

#include "isolate/cgroup.h"

namespace isolate {

class CgroupV2 final : public Cgroup {
public:
    // `files`: the directory `jobs`, its memory.max, its pids.current, the runner's cpu.weight.
    explicit CgroupV2(std::vector<sys::UniqueFd> files);
    CgroupV2(const CgroupV2&) = delete;
    CgroupV2& operator=(const CgroupV2&) = delete;
    ~CgroupV2() override;

    int begin(const config::Limits& limits, int residents) override;
    std::chrono::microseconds cpu_time() const override;
    std::chrono::microseconds cpu_time_of_all() const override;
    void restart_accounts() override;
    void set_share(int share) override;
    void lift_cpu_limits() override;
    Usage end() override;
    void leave() override;
    int processes() const override;

private:
    void write(const char* name, const std::string& value);

    sys::UniqueFd jobs_, memory_max_, pids_current_, cpu_weight_;
    sys::UniqueFd leaf_;
    std::string leaf_name_;
    sys::UniqueFd cpu_stat_;
    sys::UniqueFd peak_;  // once the accounts were restarted; counts from then
    std::chrono::microseconds cpu_before_{0};
    bool quota_on_ = false;
    bool share_is_whole_ = true;
    unsigned next_leaf_ = 0;
};

}  // namespace isolate
