// Where values come from, each source turned into the same thing: a list of what was given, as
// text, with the place it was given in. Private to this folder; settings.cpp decides who wins.
//
// A source checks what only it can know (a file: syntax, types and keys; Piston's variables: their
// old way of writing). Whether a text is a value of its knob is checked once for all of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/knobs.h"
#include "config/settings.h"

namespace config {

// The limits of languages are no knobs; their keys lie in this section.
inline constexpr std::string_view overrides_section = "limits.overrides";

// "limits.overrides.<language>.<Piston's name of the limit>".
std::string override_key(std::string_view language, std::string_view limit);

struct Given {
    std::string key;  // of a knob, or of a language's limit
    std::string text;
    std::string origin;       // "/etc/crankcase.toml:12", "environment PISTON_RUN_TIMEOUT"
    std::string option = {};  // Piston's name of it, "run_timeout"; empty: it is not from there
};

// Reads a settings file. Empty if there is none and none is needed. Throws SettingsError with file
// and line for what is no TOML, has an unknown key or the wrong type.
std::vector<Given> read_file(const std::string& path, bool must_exist,
                             const std::vector<Knob>& knobs);

struct FromPiston {
    std::vector<Given> given;
    std::vector<std::string> notes;  // what was accepted without effect, one sentence each
};

// Reads the variables Piston knows, written as Piston takes them: of a number what follows the
// digits is dropped, -1 is unlimited, and 0 leaves the limit as it is. Throws SettingsError.
FromPiston read_piston(const Sources& sources, const std::vector<Knob>& knobs);

// Piston's PORT: the port alone, behind the address that is listened on without it. Throws
// SettingsError.
std::vector<Given> read_port(const Sources& sources, const std::string& listen);

// Reads the variables named after the keys, and CRANKCASE_LIMITS_OVERRIDES. Throws SettingsError.
std::vector<Given> read_environment(const Sources& sources, const std::vector<Knob>& knobs);

// Reads the limits of languages from JSON {"<language>": {"<limit>": number}}; a number may stand
// in quotes. `option` is Piston's name, as in Given. Throws SettingsError.
std::vector<Given> read_overrides(const std::string& json, const std::string& origin,
                                  const std::string& option);

// The value of an environment variable; empty if it is not set.
std::optional<std::string> variable(const Sources& sources, const std::string& name);

// The text on one line and not too long, whatever bytes it has: no value can forge a line of a log.
std::string printable(std::string_view text);

// The same in quotes.
std::string in_quotes(std::string_view text);

// Throws SettingsError: "<origin>: <sentence>".
[[noreturn]] void refuse(const std::string& origin, const std::string& sentence);

// Throws PistonSettingsError: "<origin>: Config option <option> failed validation: <sentence>".
[[noreturn]] void refuse_option(const std::string& origin, const std::string& option,
                                const std::string& sentence);

}  // namespace config
