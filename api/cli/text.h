// Text for people: sizes, durations, and strings from elsewhere made fit for a terminal. Pure.
//
// Names, summaries and file names come from manifests, indexes and servers. None of their bytes may
// steer a terminal or break a line, so everything that is printed passes printable() once.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// The text with every control character (C0, DEL, and C1 as UTF-8 writes it) replaced by "?".
std::string printable(std::string_view text);

// Whether all of it is well-formed UTF-8 (RFC 3629): nothing overlong, no surrogates.
bool is_utf8(std::string_view text);

// How many columns the text takes, one for each character of UTF-8.
std::size_t columns(std::string_view text);

// At most that many columns, cut between characters; what was cut off leaves a "…".
std::string shortened(std::string_view text, std::size_t most);

// "512 B", "3.4 KiB", "120 MiB": three digits that count.
std::string human_size(std::uint64_t bytes);

// "0:07", "12:30", "1:02:03".
std::string human_time(std::chrono::milliseconds time);

// The parts between the separators, empty ones left out.
std::vector<std::string> split(std::string_view text, char separator);

std::string joined(const std::vector<std::string>& parts, std::string_view separator);

// ASCII letters only; for looking things up.
std::string lower_case(std::string_view text);

}  // namespace cli
