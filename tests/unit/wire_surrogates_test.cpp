#include <doctest/doctest.h>

#include <string>

#include "api/wire/surrogates.h"

TEST_CASE("half a character becomes the one that stands for what cannot be read") {
    struct Row {
        std::string json, mended;  // empty: nothing to mend
    };
    const Row rows[] = {
        {R"("plain")", ""},
        {R"("\ud83d\ude00")", ""},
        {R"("\uD83D\uDE00")", ""},
        {R"("\u00e9")", ""},
        {R"("\ud83d")", R"("\ufffd")"},
        {R"("\ude00")", R"("\ufffd")"},
        {R"("\ud83dx")", R"("\ufffdx")"},
        {R"("\ud83d\u0041")", R"("\ufffd\u0041")"},
        {R"("\ud83d\ud83d\ude00")", R"("\ufffd\ud83d\ude00")"},
        {R"("\ude00\ud83d")", R"("\ufffd\ufffd")"},
        {R"("\\ud83d")", ""},
        {R"("\\\ud83d")", R"("\\\ufffd")"},
        {R"("\ud8")", ""},
        {R"("\ud8zz")", ""},
        {"\\", ""},
        {"", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.json);
        CHECK(wire::without_half_characters(row.json).value_or("") == row.mended);
    }
}
