// Small files read and written whole: control files, /proc, configuration. Failures throw
// Error{broken} with the path and the reason, or come back as empty from the functions called find_
// or try_.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "isolate/sys/fd.h"

namespace sys {

// man 2 open; always CLOEXEC.
UniqueFd open(const std::string& path, int flags, mode_t mode = 0);
UniqueFd try_open(const std::string& path, int flags, mode_t mode = 0);
UniqueFd try_open_at(const UniqueFd& directory, const char* name, int flags);

std::string read_file(const std::string& path);
std::optional<std::string> try_read_file(const std::string& path);

// One write: control files take a value whole or not at all. Returns 0 or an error number.
int try_write_file(const std::string& path, std::string_view text);
void write_file(const std::string& path, std::string_view text);

// A whole new file, or nothing: written as "<path>.new", made durable, renamed. Mode 0644.
void replace_file(const std::string& path, std::string_view text);

// For control files held open: always at offset 0. Empty if it could not be read.
std::string read_at_start(const UniqueFd& file);
// Returns 0 or an error number.
int write_at_start(const UniqueFd& file, std::string_view text);

// mkdir -p of a path of our own, mode 0755.
void make_directories(const std::string& path);

}  // namespace sys
