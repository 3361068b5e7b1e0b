// The table of knobs: the one list from which the file, the environment, the flags and `config
// show` are read and written. Private to this folder; the rest of the program sees Settings only.
//
// A knob knows where its value lives in Settings, how it is written as text and which values are
// allowed. It does not know where a text came from: sources.h does.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace config {

// How a value is written in the file.
enum class Form {
    text,      // in quotes
    number,    // without quotes, or "unlimited" where that is allowed
    quantity,  // either: "64MiB" or 67108864, "3s" or 3000
    list,      // texts in brackets, or one text with commas
};

// What of a value is nobody's business.
enum class Secrecy {
    open,
    password,  // of an address: what stands before the @
    secret,    // all of it
};

struct Knob {
    std::string key;     // "section.name", the path of the member in Settings
    std::string piston;  // the variable of Piston with this meaning; empty: there is none
    std::string help;    // one line for people, without a full stop
    Form form;
    std::string expects;  // what a value must be, to follow "needs"

    // Returns false if the text is no value for this knob; the settings are then untouched.
    std::function<bool(Settings&, std::string_view)> set;

    // The value as text that `set` understands.
    std::function<std::string(const Settings&)> get;

    bool reloadable = false;  // may change while the engine runs
    Secrecy secrecy = Secrecy::open;
};

// Every knob, in the order of crankcase.toml.
std::vector<Knob> all_knobs();

// The knob with the key, or null.
const Knob* find_knob(const std::vector<Knob>& knobs, std::string_view key);

// The value of a knob as people may see it: a secret is "(set)".
std::string shown_value(const Knob& knob, const std::string& value);

// The environment variable of a key: "server.listen" is CRANKCASE_SERVER_LISTEN.
std::string variable_of(std::string_view key);

}  // namespace config
