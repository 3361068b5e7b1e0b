// One runner's group in the hierarchies of cgroup v1, through the control files the keeper opened.
#pragma once

#include <array>
#include <vector>

#include "isolate/cgroup.h"

namespace isolate {

class CgroupV1 : public Cgroup {
public:
    // `present` has a bit for each ControlFile; `files` are those, in that order.
    CgroupV1(std::uint32_t present, std::vector<sys::UniqueFd> files);

    int begin(const config::Limits& limits, int residents) override;
    std::chrono::microseconds cpu_time() const override;
    std::chrono::microseconds cpu_time_of_all() const override;
    void restart_accounts() override;
    void set_share(int share) override;
    void lift_cpu_limits() override;
    Usage end() override;
    void leave() override {}
    int processes() const override;

private:
    const sys::UniqueFd& file(ControlFile which) const;
    std::string read(ControlFile which) const;
    void write(ControlFile which, std::uint64_t value);
    void set_memory(config::Bytes limit);

    std::array<sys::UniqueFd, static_cast<std::size_t>(ControlFile::count)> files_;
    config::Limits applied_;  // as last written; what is unchanged is not written again
    bool first_ = true;
    bool quota_on_ = false;
    bool share_is_whole_ = true;
    std::uint64_t cpu_before_ = 0;  // nanoseconds
    std::uint64_t oom_before_ = 0;
};

}  // namespace isolate
