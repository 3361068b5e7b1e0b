#include "api/wire/file_set.h"

#include <algorithm>
#include <utility>

#include "isolate/sys/error.h"

namespace wire {

bool FileSet::TreeOrder::operator()(std::string_view left, std::string_view right) const {
    const auto rank = [](char character) {
        return character == '/' ? -1 : static_cast<int>(static_cast<unsigned char>(character));
    };
    return std::lexicographical_compare(left.begin(), left.end(), right.begin(), right.end(),
                                        [&](char a, char b) { return rank(a) < rank(b); });
}

void FileSet::add(engine::File file) {
    file.name = normal_file_name(file.name);
    engine::check_file_name(file.name);

    const auto [known, is_new] = place_by_name_.try_emplace(file.name, next_place_);
    if (!is_new) {
        auto& earlier = file_by_place_.at(known->second);
        if (earlier.is_code || !file.is_code) {
            earlier.content = std::move(file.content);
            return;
        }
        file_by_place_.erase(known->second);
        known->second = next_place_;
    }
    file_by_place_.emplace(next_place_++, std::move(file));
}

std::vector<engine::File> FileSet::take() && {
    const std::string* above = nullptr;
    for (const auto& [name, place] : place_by_name_) {
        if (above && name.starts_with(*above) && name[above->size()] == '/') {
            throw sys::Error(sys::Kind::invalid,
                             "File path \"" + *above + "\" names both a file and a directory");
        }
        above = &name;
    }
    std::vector<engine::File> files;
    files.reserve(file_by_place_.size());
    for (auto& [place, file] : file_by_place_) files.push_back(std::move(file));
    return files;
}

std::string normal_file_name(std::string_view name) {
    std::vector<std::string_view> parts;
    for (auto rest = name; !rest.empty();) {
        const auto part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        if (part.empty() || part == ".") continue;
        if (part == ".." && !parts.empty() && parts.back() != "..") {
            parts.pop_back();
        } else {
            parts.push_back(part);
        }
    }
    std::string normal = name.starts_with('/') ? "/" : "";
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) normal += '/';
        normal += parts[i];
    }
    if (normal.empty()) return ".";
    // Kept, because it says that a directory is meant, which the check of names refuses.
    if (name.ends_with('/') && !normal.ends_with('/')) normal += '/';
    return normal;
}

}  // namespace wire
