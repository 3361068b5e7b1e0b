#include "engine/job.h"

#include <algorithm>
#include <string_view>

#include "isolate/sys/error.h"

namespace engine {

namespace {

constexpr std::size_t max_component_bytes = 255;  // NAME_MAX

[[noreturn]] void refuse(const std::string& name, std::string_view why) {
    constexpr std::size_t shown_bytes = 80;
    auto shown = name.substr(0, shown_bytes);
    // An exception's text ends at the first NUL.
    std::replace(shown.begin(), shown.end(), '\0', '?');
    if (name.size() > shown_bytes) shown += "…";
    throw sys::Error(sys::Kind::invalid, "File path \"" + shown + "\" " + std::string(why));
}

}  // namespace

void check_file_name(const std::string& name) {
    if (name.empty()) refuse(name, "is empty");
    if (name.size() > max_file_name_bytes) {
        refuse(name, "is longer than " + std::to_string(max_file_name_bytes) + " bytes");
    }
    if (name.find('\0') != name.npos) refuse(name, "contains a NUL byte");
    if (name.front() == '/')
        refuse(name, "is absolute; it must be relative to the job's directory");

    std::string_view component;
    for (std::string_view rest = name; !rest.empty();) {
        const auto slash = rest.find('/');
        component = rest.substr(0, slash);
        if (component == "..") refuse(name, "tries to escape parent directory: " + name);
        if (component.size() > max_component_bytes) {
            refuse(name,
                   "has a part longer than " + std::to_string(max_component_bytes) + " bytes");
        }
        rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
    }
    if (name.back() == '/' || component == ".") refuse(name, "names a directory, not a file");
}

}  // namespace engine
