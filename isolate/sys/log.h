// One structured line an event, written to standard error in a single write: nothing is buffered,
// so nothing is lost when the process is killed, and lines of several threads never mix.
//
//   2026-11-21T08:15:02.123Z info job id=4f2a… runtime=python-3.11.2 verdict=passed wall_ms=17
//
// Whoever reads the log may be slow or stuck: what it does not take at once is dropped and counted,
// and the next line that goes through is preceded by one that says how many are missing. Until
// free_log_from_readers() was called, and for descriptors it can do nothing about, lines wait.
//
// Values are escaped: no byte of a client or a program can forge a line or reach a terminal. Code
// and output of users are never logged.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace sys {

enum class Level { debug, info, warn, error };

// One key=value pair. The value is quoted and escaped if it needs to be.
struct Field {
    Field(std::string_view name, std::string_view text) : key(name), value(text) {}
    Field(std::string_view name, const char* text) : key(name), value(text) {}
    template <typename Number>
    requires std::is_arithmetic_v<Number> Field(std::string_view name, Number number)
        : key(name), value(std::to_string(number)) {}

    std::string_view key;
    std::string value;
};

// Lines below this level are dropped. Set once, in main.
void set_log_level(Level level);
void log_nothing();

// Makes writing to standard error never wait, in this process and those it starts. Call it once,
// early and as root: a pipe is opened again for that, so that the setting is nobody else's.
void free_log_from_readers();

// Lines that were dropped since the start of this process.
unsigned long long dropped_log_lines();

void log(Level level, std::string_view event, std::initializer_list<Field> fields = {});

// The line without its time stamp; what log() writes, for tests.
std::string log_line(Level level, std::string_view event, std::initializer_list<Field> fields);

}  // namespace sys
