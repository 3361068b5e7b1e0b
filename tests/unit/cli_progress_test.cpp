#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/cli/progress.h"
#include "api/cli/text.h"

namespace {

using cli::Pace;
using cli::ProgressDisplay;
using packages::Progress;
using std::chrono::milliseconds;
using Step = packages::Progress::Step;

// What a display writes, with a clock that moves when it is told to.
class Written {
public:
    explicit Written(ProgressDisplay::Manner manner, std::size_t width = 80)
        : file_(::open_memstream(&text_, &size_)),
          display_(
              std::make_unique<ProgressDisplay>(manner, file_, width, [this] { return now_; })) {}
    Written(const Written&) = delete;
    Written& operator=(const Written&) = delete;
    ~Written() {
        display_.reset();
        std::fclose(file_);
        std::free(text_);
    }

    void show(const Progress& progress, milliseconds later = milliseconds{0}) {
        now_ += later;
        display_->show(progress);
    }
    ProgressDisplay& display() { return *display_; }
    std::string text() {
        std::fflush(file_);
        return {text_, size_};
    }

private:
    char* text_ = nullptr;
    std::size_t size_ = 0;
    std::FILE* file_;
    ProgressDisplay::Clock::time_point now_{};
    std::unique_ptr<ProgressDisplay> display_;
};

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

}  // namespace

TEST_CASE("sizes have three digits that count, and durations read like a clock") {
    struct Row {
        std::uint64_t bytes;
        std::string text;
    };
    const Row rows[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.00 KiB"},
        {10'240, "10.0 KiB"},
        {1'023'488, "0.98 MiB"},
        {1 << 20, "1.00 MiB"},
        {123 << 20, "123 MiB"},
        {5ULL << 40, "5.00 TiB"},
        {~0ULL, "16.0 EiB"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.bytes);
        CHECK(cli::human_size(row.bytes) == row.text);
    }
    CHECK(cli::human_time(milliseconds{0}) == "0:00");
    CHECK(cli::human_time(milliseconds{61'400}) == "1:01");
    CHECK(cli::human_time(milliseconds{3'723'000}) == "1:02:03");
}

TEST_CASE("a line of progress tells bytes, speed and time left, as far as they are known") {
    struct Row {
        std::string name;
        Progress progress;
        Pace pace;
        std::string text;
    };
    const auto mebibyte = std::uint64_t{1} << 20;
    const Row rows[] = {
        {"nothing known", {Step::resolving, "php", "", 0, 0}, {}, "php: finding out what it needs"},
        {"nothing known for a while",
         {Step::finishing, "php", "", 0, 0},
         {0, milliseconds{65'000}},
         "php: finishing  1:05"},
        {"no package", {Step::removing, "", "", 0, 0}, {}, "removing"},
        {"bytes, no total",
         {Step::downloading, "php", "a.deb", 4 * mebibyte, 0},
         {4 * mebibyte, milliseconds{2'000}},
         "php: downloading  4.00 MiB  2.00 MiB/s  a.deb"},
        {"a total, too early for a speed",
         {Step::downloading, "php", "a.deb", mebibyte, 4 * mebibyte},
         {mebibyte, milliseconds{300}},
         "php: downloading  [#####...............]  25%  1.00 MiB of 4.00 MiB  a.deb"},
        {"everything",
         {Step::downloading, "php", "a.deb", 2 * mebibyte, 4 * mebibyte},
         {2 * mebibyte, milliseconds{4'000}},
         "php: downloading  [##########..........]  50%  2.00 MiB of 4.00 MiB  512 KiB/s  0:04 left"
         "  a.deb"},
        {"resumed: what was there before is no speed",
         {Step::downloading, "php", "", 3 * mebibyte, 4 * mebibyte},
         {mebibyte, milliseconds{2'000}},
         "php: downloading  [###############.....]  75%  3.00 MiB of 4.00 MiB  512 KiB/s  0:02 "
         "left"},
        {"done",
         {Step::unpacking, "php", "", 4 * mebibyte, 4 * mebibyte},
         {},
         "php: unpacking  [####################] 100%  4.00 MiB of 4.00 MiB"},
        {"a total that was a lie",
         {Step::downloading, "php", "", 8 * mebibyte, 4 * mebibyte},
         {},
         "php: downloading  8.00 MiB"},
        {"a name that would steer the terminal",
         {Step::downloading, "p\x1b[2Jp",
          "a\r\nb\xC2\x9B"
          "c.deb",
          0, 0},
         {},
         "p?[2Jp: downloading  a??b?c.deb"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(cli::text_of(row.progress, row.pace, 120) == row.text);
    }
}

TEST_CASE("a line of progress is never wider than the terminal, and loses its end first") {
    const Progress progress{Step::downloading, "php", "libzahlwörter-perl_1.0_all.deb", 1'000,
                            4'000};
    const Pace pace{1'000, milliseconds{2'000}};
    for (std::size_t width = 0; width < 140; ++width) {
        CAPTURE(width);
        const auto text = cli::text_of(progress, pace, width);
        CHECK(cli::columns(text) <= width);
        if (width >= 16) CHECK(text.starts_with("php: downloading"));
    }
    CHECK(cli::text_of(progress, pace, 12) == "php: downlo…");
    CHECK(cli::text_of(progress, pace, 45) == "php: downloading  [#####...............]  25%");
    CHECK(cli::text_of(progress, pace, 140).ends_with("left  libzahlwörter-perl_1.0_all.deb"));
}

TEST_CASE("without a terminal there is one plain line for each step") {
    Written written{ProgressDisplay::Manner::lines};
    for (const auto step : {Step::resolving, Step::downloading, Step::unpacking}) {
        for (std::uint64_t done = 0; done < 50; ++done)
            written.show({step, "php", "file", done, 50}, milliseconds{500});
    }
    written.show({Step::downloading, "lua", "", 0, 0});
    written.display().clear();
    CHECK(written.text() ==
          "php: finding out what it needs\nphp: downloading\nphp: unpacking\nlua: downloading\n");
}

TEST_CASE("on a terminal one line is drawn again and again, but not more often than can be read") {
    Written written{ProgressDisplay::Manner::drawn};
    for (std::uint64_t done = 0; done <= 1'000; ++done)
        written.show({Step::downloading, "php", "", done, 1'000}, milliseconds{1});
    CHECK(count(written.text(), "\r") == 11);
    CHECK(count(written.text(), "\n") == 0);
    written.show({Step::unpacking, "php", "", 0, 0});  // the beginning of a step is always drawn
    CHECK(count(written.text(), "php: unpacking") == 1);
    written.display().clear();
    CHECK(written.text().ends_with("\r\x1b[K"));
    const auto before = written.text();
    written.display().clear();  // nothing is there any more
    CHECK(written.text() == before);
}

TEST_CASE("the speed is that of the file at hand") {
    Written written{ProgressDisplay::Manner::drawn, 120};
    written.show({Step::downloading, "php", "a.deb", 0, 0});
    written.show({Step::downloading, "php", "a.deb", 100 << 20, 0}, milliseconds{10'000});
    CHECK(count(written.text(), "10.0 MiB/s") == 1);
    written.show({Step::downloading, "php", "b.deb", 1024, 0}, milliseconds{10'000});
    written.show({Step::downloading, "php", "b.deb", 5 * 1024, 0}, milliseconds{2'000});
    CHECK(count(written.text(), "2.00 KiB/s  b.deb") == 1);
}

TEST_CASE("quiet is quiet") {
    Written written{ProgressDisplay::Manner::quiet};
    written.show({Step::downloading, "php", "", 1, 2});
    written.display().clear();
    CHECK(written.text().empty());
}
