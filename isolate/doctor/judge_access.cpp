// Who else can reach what the engine trusts: ids, files, secrets, the address it listens on.
#include <algorithm>

#include "config/network.h"
#include "isolate/doctor/judge.h"

namespace doctor {

namespace {

constexpr std::uint64_t ids_per_runner = 65536;
constexpr std::uint64_t most_ids = 4'294'967'294;  // (uid_t)-1 is nobody's (man 2 setresuid)
constexpr mode_t writable_by_group = 0020, writable_by_all = 0002, sticky = 01000;

std::uint64_t first_id(const Facts& facts) {
    return facts.settings.pool.first_uid;
}

std::uint64_t end_of_ids(const Facts& facts) {
    return first_id(facts) +
           ids_per_runner * static_cast<std::uint64_t>(facts.settings.most_runners());
}

bool overlaps(const Facts& facts, const IdRange& taken) {
    return taken.first < end_of_ids(facts) && taken.first + taken.count > first_id(facts);
}

std::string text_of(const IdRange& range) {
    const auto ids = range.count == 1 ? std::to_string(range.first)
                                      : std::to_string(range.first) + " to " +
                                            std::to_string(range.first + range.count - 1);
    return range.owner + " has " + ids + " in " + range.file;
}

Found first_overlap(const Facts& facts, bool of_many) {
    for (const auto& range : facts.taken_ids) {
        const bool many = range.file.ends_with("subuid") || range.file.ends_with("subgid");
        // What is set aside for root is for containers that root starts: ours.
        const bool ours = many && (range.owner == "root" || range.owner == "0" ||
                                   range.owner == facts.settings.user);
        if (many == of_many && !ours && overlaps(facts, range)) return text_of(range);
    }
    return std::nullopt;
}

bool is_trusted(const Facts& facts, const Trusted& file, uid_t owner) {
    if (std::ranges::count(facts.trusted_owners, owner) > 0) return true;
    return file.users_own && owner == facts.engine_user;
}

// The group of root, and a group of one user alone that has the user's number, add nobody.
bool open_mode(const Component& component) {
    const bool own_group = component.group == 0 || component.group == component.owner;
    return (component.mode & writable_by_all) != 0 ||
           (!own_group && (component.mode & writable_by_group) != 0);
}

bool others_can_write(const Facts& facts, const Trusted& file, const Component& component) {
    if (component.link) return false;  // the mode of a link means nothing
    if (!is_trusted(facts, file, component.owner)) return true;
    if (!open_mode(component)) return false;
    // In a sticky directory nobody can replace what is another's; the name within is looked at
    // next.
    const bool last = component == file.way.back();
    return !(component.directory && !last && (component.mode & sticky));
}

std::string in_octal(mode_t mode) {
    std::string text;
    for (int shift = 9; shift >= 0; shift -= 3)
        text += static_cast<char>('0' + ((mode >> shift) & 7));
    return text;
}

bool is_loopback(const std::string& listen) {
    auto host = listen.substr(0, listen.rfind(':'));
    if (host == "localhost") return true;
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const auto address = config::parse_address(host);
    return address && address->is_loopback();
}

}  // namespace

Found ids_of_users(const Facts& facts) {
    return first_overlap(facts, false);
}

Found ids_of_others(const Facts& facts) {
    return first_overlap(facts, true);
}

Found ids_out_of_range(const Facts& facts) {
    if (first_id(facts) >= ids_per_runner && end_of_ids(facts) <= most_ids) return std::nullopt;
    return std::to_string(first_id(facts)) + " to " + std::to_string(end_of_ids(facts) - 1) +
           ", for " + std::to_string(facts.settings.most_runners()) + " runners";
}

Found writable_by_others(const Facts& facts) {
    for (const auto& file : facts.trusted) {
        for (const auto& component : file.way) {
            if (!others_can_write(facts, file, component)) continue;
            return component.path + " is of the user " + std::to_string(component.owner) +
                   " with mode " + in_octal(component.mode) + ", on the way to " + file.path +
                   " (" + file.key + ")";
        }
    }
    return std::nullopt;
}

// Links of root's, in directories that are root's alone, are how machines are laid out (/var/run).
Found reached_by_link(const Facts& facts) {
    for (const auto& file : facts.trusted) {
        const Component* parent = nullptr;
        for (const auto& component : file.way) {
            const bool planted =
                component.link && (!is_trusted(facts, file, component.owner) ||
                                   (parent && !parent->link && open_mode(*parent)));
            if (planted)
                return component.path + " is a link of the user " +
                       std::to_string(component.owner) + ", on the way to " + file.path + " (" +
                       file.key + ")";
            parent = &component;
        }
    }
    return std::nullopt;
}

Found secrets_readable(const Facts& facts) {
    if (facts.readable_secrets.empty()) return std::nullopt;
    return facts.readable_secrets.front();
}

Found open_to_all(const Facts& facts) {
    // Keys of the facade protect its own paths only.
    const auto& keys = facts.settings.keys;
    if (!keys.file.empty() && keys.required) return std::nullopt;
    const auto& listen = facts.settings.server.listen;
    if (listen == "none" || is_loopback(listen)) return std::nullopt;
    return "server.listen = " + listen;
}

}  // namespace doctor
