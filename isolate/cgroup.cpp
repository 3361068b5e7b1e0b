#include "isolate/cgroup.h"

#include <charconv>

#include "isolate/cgroup_v1.h"
#include "isolate/cgroup_v2.h"
#include "isolate/sys/error.h"

namespace isolate {

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

std::uint64_t field_of(std::string_view text, std::string_view field) {
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        if (line.size() > field.size() && line.starts_with(field) && line[field.size()] == ' ') {
            return number_of(line.substr(field.size() + 1));
        }
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
    return 0;
}

std::unique_ptr<Cgroup> make_cgroup(const RunnerStarted& started,
                                    std::vector<sys::UniqueFd> files) {
    if (started.cgroup_version == CgroupVersion::v1) {
        return std::make_unique<CgroupV1>(started.controls, std::move(files));
    }
    return std::make_unique<CgroupV2>(std::move(files));
}

}  // namespace isolate
