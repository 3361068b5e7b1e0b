#include "isolate/sys/log.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace sys {

namespace {

constexpr int nothing = 100;
std::atomic<int> threshold{static_cast<int>(Level::info)};
std::atomic<unsigned long long> dropped{0};
std::atomic<unsigned long long> dropped_and_told{0};

std::string_view name(Level level) {
    switch (level) {
        case Level::debug:
            return "debug";
        case Level::info:
            return "info";
        case Level::warn:
            return "warn";
        case Level::error:
            return "error";
    }
    __builtin_unreachable();
}

bool is_plain(char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

void append_value(std::string& line, std::string_view value) {
    bool plain = !value.empty();
    for (const char c : value) plain = plain && is_plain(c);
    if (plain) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        if (c == ' ' || c == '=' || is_plain(c)) {
            line += c;
        } else if (c == '"' || c == '\\') {
            line += '\\';
            line += c;
        } else {
            char escaped[5];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
            line += escaped;
        }
    }
    line += '"';
}

std::string time_stamp() {
    const auto now = std::chrono::system_clock::now();
    const auto seconds = std::chrono::system_clock::to_time_t(now);
    const auto since_epoch =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[40];
    const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    std::snprintf(text + length, sizeof text - length, ".%03dZ ",
                  static_cast<int>(since_epoch.count() % 1000));
    return text;
}

// A log that cannot be written must not stop a job. A socket (the journal's) is asked not to wait;
// pipes were opened so. True if the line went out, at least in part.
bool write_line(const std::string& line) {
    auto written = ::send(STDERR_FILENO, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0 && errno == ENOTSOCK)
        written = ::write(STDERR_FILENO, line.data(), line.size());
    return written > 0;
}

}  // namespace

void free_log_from_readers() {
    struct stat status {};
    if (::fstat(STDERR_FILENO, &status) != 0 || !S_ISFIFO(status.st_mode)) return;
    const int again = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (again < 0) return;  // not ours to open: lines wait, as before
    ::dup2(again, STDERR_FILENO);
    ::close(again);
}

unsigned long long dropped_log_lines() {
    return dropped;
}

void set_log_level(Level level) {
    threshold = static_cast<int>(level);
}
void log_nothing() {
    threshold = nothing;
}

std::string log_line(Level level, std::string_view event, std::initializer_list<Field> fields) {
    std::string line{name(level)};
    line += ' ';
    line += event;
    for (const auto& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value);
    }
    line += '\n';
    return line;
}

void log(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (static_cast<int>(level) < threshold) return;
    const auto line = time_stamp() + log_line(level, event, fields);
    const auto missing = dropped.load();
    if (const auto told = dropped_and_told.exchange(missing);
        told != missing && !write_line(time_stamp() + log_line(Level::warn, "log_lines_dropped",
                                                               {{"count", missing - told}}))) {
        dropped_and_told -= missing - told;
    }
    if (!write_line(line)) ++dropped;
}

}  // namespace sys
