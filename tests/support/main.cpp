// The main of every test executable: doctest's, but for output that is written line by line. What
// is ended from outside (a limit on time, a guest that is switched off) has then said what it
// found.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

int main(int argc, char** argv) {
    // Fails only for arguments that make no sense; then output comes late, as before.
    [[maybe_unused]] const int failed = std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    return doctest::Context{argc, argv}.run();
}
