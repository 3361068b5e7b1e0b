#include "config/show.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace config {

namespace {

// A language's name in a key may hold any byte: none of them may steer a terminal.
std::string plain(std::string text) {
    std::ranges::replace_if(
        text, [](char letter) { return static_cast<unsigned char>(letter) < ' ' || letter == 127; },
        '?');
    return text;
}

}  // namespace

std::vector<ShownSetting> rows_of(const std::vector<ShownSetting>& shown, std::string_view key) {
    if (key.empty()) return shown;
    auto rows = std::vector<ShownSetting>{};
    for (const auto& row : shown) {
        const auto name = std::string_view(row.key);
        const bool is_inside =
            name.starts_with(key) && name.size() > key.size() && name[key.size()] == '.';
        if (name == key || is_inside) rows.push_back(row);
    }
    return rows;
}

std::string text_of(const std::vector<ShownSetting>& rows) {
    auto text = std::string{};
    const auto padded = [](const std::string& word, std::size_t width) {
        return word + std::string(width - std::min(width, word.size()), ' ');
    };
    constexpr std::size_t key_width = 32, value_width = 20;
    for (const auto& row : rows) {
        text += padded(plain(row.key), key_width) + " = " + padded(plain(row.value), value_width) +
                " # ";
        text += plain(row.origin) + (row.reloadable ? "\n" : "; needs a restart\n");
    }
    return text;
}

std::string json_of(const std::vector<ShownSetting>& rows) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& row : rows) {
        list.push_back({{"key", row.key},
                        {"value", row.value},
                        {"origin", row.origin},
                        {"reloadable", row.reloadable},
                        {"help", row.help}});
    }
    constexpr int indent = 2;
    // A value may hold any bytes: what is no UTF-8 must not end in an exception.
    return list.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace config
