#include "tests/support/pace.h"

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace support {

namespace {

constexpr int most = 1000;

int number_of(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr) return 1;
    const std::string_view text = value;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 1 || number > most)
        throw std::runtime_error(std::string{name} + " is no number from 1 to 1000: " + value);
    return number;
}

}  // namespace

int patience_factor() {
    static const int factor = number_of("CRANKCASE_PATIENCE");
    return factor;
}

unsigned every() {
    static const int step = number_of("CRANKCASE_EVERY");
    return static_cast<unsigned>(step);
}

std::string said_of_turns() {
    return every() == 1 ? "" : ", one of " + std::to_string(every()) + " tried";
}

}  // namespace support
