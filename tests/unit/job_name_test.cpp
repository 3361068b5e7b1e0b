#include <doctest/doctest.h>

#include <string>

#include "engine/job.h"
#include "engine/verdict.h"
#include "isolate/sys/error.h"

TEST_CASE("a file name is refused unless it is beneath the job's directory") {
    using namespace std::string_literals;
    struct Row {
        std::string name;
        std::string file;
        const char* refusal;
    };
    const Row rows[] = {
        {"plain", "main.py", nullptr},
        {"with directories", "src/lib/a.py", nullptr},
        {"dots that mean nothing", "..x", nullptr},
        {"more dots", "a/.../b", nullptr},
        {"hidden", ".env", nullptr},
        {"here", "./a", nullptr},
        {"blanks and text", "ä b\n.py", nullptr},
        {"longest part", std::string(255, 'a'), nullptr},
        {"empty", "", "is empty"},
        {"above", "../x", "tries to escape parent directory: ../x"},
        {"above from inside", "a/../../x", "tries to escape parent directory"},
        {"above at the end", "a/..", "tries to escape parent directory"},
        {"absolute", "/etc/passwd", "is absolute"},
        {"a directory", "a/", "names a directory"},
        {"the directory itself", ".", "names a directory"},
        {"a NUL", "a\0b"s, "contains a NUL byte"},
        {"a long part", std::string(256, 'a'), "has a part longer than 255 bytes"},
        {"long",
         "a/" + std::string(250, 'b') + "/" + std::string(250, 'c') + "/" + std::string(250, 'd') +
             "/" + std::string(250, 'e') + "/" + std::string(250, 'f'),
         "is longer than 1024 bytes"},
        {"4096 bytes", std::string(4096, 'a'), "is longer than 1024 bytes"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        std::string refusal;
        try {
            engine::check_file_name(row.file);
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
            refusal = error.what();
        }
        CHECK(refusal.empty() == (row.refusal == nullptr));
        if (row.refusal) CHECK(refusal.find(row.refusal) != std::string::npos);
    }
}

TEST_CASE("every verdict has a word") {
    for (int i = 0; i <= static_cast<int>(engine::Verdict::broken); ++i) {
        CHECK_FALSE(engine::name(static_cast<engine::Verdict>(i)).empty());
    }
    CHECK(engine::name(engine::Verdict::wall_timed_out) == "wall_timed_out");
}
