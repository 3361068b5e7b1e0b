#include "isolate/tree.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

namespace isolate {

namespace {

constexpr std::size_t max_component = 255;  // NAME_MAX
constexpr std::size_t max_target = 4095;    // PATH_MAX less the NUL

bool is_component(std::string_view text) {
    return !text.empty() && text.size() <= max_component && text != "." && text != "..";
}

bool is_entry_name(std::string_view name) {
    if (name.empty() || name.size() > max_entry_name || name.find('\0') != name.npos) return false;
    std::size_t depth = 0;
    for (std::size_t begin = 0; begin <= name.size(); ++depth) {
        const auto end = std::min(name.find('/', begin), name.size());
        if (!is_component(name.substr(begin, end - begin))) return false;
        begin = end + 1;
    }
    return depth <= max_tree_depth;
}

bool is_content(EntryKind kind, std::string_view content) {
    switch (kind) {
        case EntryKind::file:
        case EntryKind::program:
            return true;
        case EntryKind::directory:
            return content.empty();
        case EntryKind::link:
            return !content.empty() && content.size() <= max_target &&
                   content.find('\0') == content.npos;
    }
    return false;
}

int place_of(EntryKind kind) {
    if (kind == EntryKind::directory) return 0;
    return kind == EntryKind::link ? 2 : 1;
}

struct Dated {
    std::uint64_t written;
    TreeEntry entry;
};

bool goes_before(const Dated& left, const Dated& right) {
    const auto place = place_of(left.entry.kind);
    if (place != place_of(right.entry.kind)) return place < place_of(right.entry.kind);
    if (place == 1 && left.written != right.written) return left.written < right.written;
    return left.entry.name < right.entry.name;
}

class Reader {
public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}

    bool read(EntryHead& head) {
        if (rest_.size() < sizeof head) return false;
        std::memcpy(&head, rest_.data(), sizeof head);
        rest_.remove_prefix(sizeof head);
        return true;
    }
    bool read(std::string& text, std::uint64_t size) {
        if (size > rest_.size()) return false;
        text = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return true;
    }
    bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
};

}  // namespace

std::optional<Tree> read_tree(std::string_view bytes) {
    Reader reader{bytes};
    std::vector<Dated> entries;
    std::set<std::string> names;
    for (;;) {
        EntryHead head{};
        if (!reader.read(head)) return std::nullopt;
        if (head.name_bytes == 0) break;
        Dated dated{.written = head.written,
                    .entry = {.kind = head.kind, .name = {}, .content = {}}};
        auto& entry = dated.entry;
        if (entries.size() == max_tree_entries || !reader.read(entry.name, head.name_bytes) ||
            !reader.read(entry.content, head.content_bytes) || !is_entry_name(entry.name) ||
            !is_content(entry.kind, entry.content) || !names.insert(entry.name).second) {
            return std::nullopt;
        }
        entries.push_back(std::move(dated));
    }
    if (!reader.at_end()) return std::nullopt;
    std::ranges::sort(entries, goes_before);
    Tree tree;
    tree.reserve(entries.size());
    for (auto& dated : entries) tree.push_back(std::move(dated.entry));
    return tree;
}

std::string write_tree(const Tree& tree) {
    std::string bytes;
    const auto append = [&bytes](const EntryHead& head) {
        // Trivially copyable; char may alias anything.
        bytes.append(reinterpret_cast<const char*>(&head), sizeof head);
    };
    std::uint64_t written = 0;
    for (const auto& entry : tree) {
        append({.kind = entry.kind,
                .name_bytes = static_cast<std::uint32_t>(entry.name.size()),
                .content_bytes = entry.content.size(),
                .written = ++written});
        bytes += entry.name;
        bytes += entry.content;
    }
    append({.kind = EntryKind::file, .name_bytes = 0, .content_bytes = 0, .written = 0});
    return bytes;
}

}  // namespace isolate
