// The settings as people and programs read them: every knob, its value, and where that came from.
// What `crankcased --show-config` and `crankcase config show` print. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace config {

// The rows of a key, or of the section with that name; all of them for an empty text. Empty: there
// is no such key.
std::vector<ShownSetting> rows_of(const std::vector<ShownSetting>& shown, std::string_view key);

// A line a row: `key = value  # origin`, and what needs a restart to change says so.
std::string text_of(const std::vector<ShownSetting>& rows);

// A JSON array of {"key", "value", "origin", "reloadable", "help"}, two blanks deep.
std::string json_of(const std::vector<ShownSetting>& rows);

}  // namespace config
