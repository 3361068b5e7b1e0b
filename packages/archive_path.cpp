#include "packages/archive_path.h"

#include <algorithm>
#include <iterator>

#include "isolate/sys/error.h"

namespace packages {

namespace {

constexpr std::string_view merged_directories[] = {"bin",   "sbin",  "lib",
                                                   "lib32", "lib64", "libx32"};

constexpr std::size_t max_component = 255;  // NAME_MAX (man 3 pathconf)

// Longest piece of a name in a message.
constexpr std::size_t max_quoted = 160;

std::string quoted(std::string_view text) {
    auto result = std::string{text.substr(0, max_quoted)};
    for (auto& c : result) {
        if (c < ' ' || c > '~') c = '?';
    }
    return '"' + result + (text.size() > max_quoted ? "\"…" : "\"");
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto value = static_cast<unsigned char>(c);
        return value < ' ' || value == 0x7f;
    });
}

// The components that mean something, in order.
std::vector<std::string_view> components_of(std::string_view path) {
    std::vector<std::string_view> components;
    while (!path.empty()) {
        const auto component = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(component.size() + 1, path.size()));
        if (!component.empty() && component != ".") components.push_back(component);
    }
    return components;
}

template <typename Iterator>
TreePath joined(Iterator first, Iterator last) {
    TreePath path;
    for (; first != last; ++first) {
        if (!path.empty()) path += '/';
        path += *first;
    }
    return path;
}

bool is_merged(std::string_view component) {
    return std::ranges::find(merged_directories, component) != std::end(merged_directories);
}

}  // namespace

void Subject::refuse(const std::string& why) const {
    const auto about = entry.empty() ? archive : archive + ": " + quoted(entry);
    throw sys::Error(sys::Kind::invalid, about + " " + why);
}

SplitPath split_path(const TreePath& path) {
    const auto slash = path.rfind('/');
    if (slash == TreePath::npos) return {"", path};
    return {path.substr(0, slash), path.substr(slash + 1)};
}

TreePath clean_path(std::string_view name, const ArchiveLimits& limits, const Subject& subject) {
    if (name.size() > limits.name_length) {
        subject.refuse("has a name of " + std::to_string(name.size()) + " bytes, the limit is " +
                       std::to_string(limits.name_length));
    }
    if (name.starts_with('/')) subject.refuse("has an absolute name");
    if (has_control_characters(name)) subject.refuse("has control characters in its name");
    const auto components = components_of(name);
    for (const auto component : components) {
        if (component == "..") subject.refuse("leaves the directory by \"..\"");
        if (component.size() > max_component) subject.refuse("has a component of over 255 bytes");
    }
    if (std::ssize(components) > limits.depth) {
        subject.refuse("lies " + std::to_string(components.size()) +
                       " directories deep, the limit is " + std::to_string(limits.depth));
    }
    return joined(components.begin(), components.end());
}

std::optional<TreePath> place_path(std::string_view name, bool is_link, const Unpacking& how,
                                   const ArchiveLimits& limits, const Subject& subject) {
    const auto cleaned = clean_path(name, limits, subject);
    const auto components = components_of(cleaned);
    if (how.strip > 0 && std::ssize(components) <= how.strip) return {};
    const auto kept = joined(components.begin() + std::max(how.strip, 0), components.end());
    const auto into = clean_path(how.into, limits, {how.name, how.into});
    auto path = into.empty() || kept.empty() ? into + kept : into + "/" + kept;
    if (!how.merged_usr || path.empty()) return path;
    const auto top = std::string_view{path}.substr(0, path.find('/'));
    if (is_merged(top) && !(is_link && top.size() == path.size())) path.insert(0, "usr/");
    return path;
}

bool is_removed(const TreePath& path, const std::vector<std::string>& removed) {
    return std::ranges::any_of(removed, [&](const std::string& prefix) {
        return path.starts_with(prefix) &&
               (path.size() == prefix.size() || path[prefix.size()] == '/');
    });
}

void check_link(const TreePath& path, std::string_view target, bool absolute_links,
                const ArchiveLimits& limits, const Subject& subject) {
    if (target.empty()) subject.refuse("is a link to nothing");
    if (target.size() > limits.link_length) {
        subject.refuse("is a link to " + std::to_string(target.size()) +
                       " bytes of path, the limit is " + std::to_string(limits.link_length));
    }
    if (has_control_characters(target)) subject.refuse("is a link with control characters");
    const bool absolute = target.starts_with('/');
    if (absolute && !absolute_links) subject.refuse("is an absolute link, to " + quoted(target));

    auto depth = absolute ? 0 : std::ssize(components_of(split_path(path).parent));
    bool went_down = false;
    for (const auto component : components_of(target)) {
        const bool up = component == "..";
        depth += up ? -1 : 1;
        if (depth < 0 || (up && went_down && !absolute_links))
            subject.refuse("is a link that leaves the directory, to " + quoted(target));
        went_down = went_down || !up;
    }
}

}  // namespace packages
