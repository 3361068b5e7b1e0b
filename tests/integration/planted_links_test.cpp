// A compile step is a program of its author's. What it leaves in the job's directory is met by the
// run stage and by whoever cleans up, and none of them may follow it.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include "isolate/sys/error.h"
#include "tests/support/local_engine.h"

namespace {

namespace fs = std::filesystem;

// A file of the host's that everybody may write to, if they get there.
class Bait {
public:
    Bait() {
        std::string name = "/tmp/crankcase-bait-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) sys::fail("mkdtemp");
        directory_ = name;
        fs::permissions(directory_, fs::perms::all);
        std::ofstream{path()} << "untouched\n";
        fs::permissions(path(), fs::perms(0666));
    }
    Bait(const Bait&) = delete;
    Bait& operator=(const Bait&) = delete;
    ~Bait() { fs::remove_all(directory_); }

    std::string path() const { return directory_ + "/file"; }

    // Whatever a visit would change: who it is, whose it is, when it was written, what it says.
    auto state() const {
        struct stat status {};
        if (::lstat(path().c_str(), &status) != 0) sys::fail("lstat " + path());
        std::ifstream file{path()};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        return std::tuple{status.st_ino,         status.st_uid,          status.st_mode,
                          status.st_mtim.tv_sec, status.st_mtim.tv_nsec, text};
    }

private:
    std::string directory_;
};

// Puts links in the place of all that the engine placed or might place, and goes on exchanging one
// of them for as long as it is let.
std::string planter(const std::string& target) {
    return "T=" + target + R"(
if [ -e planted ]; then cat args.args code.code; echo w > data; echo ran; exit; fi
touch planted
for name in args.args code.code data run compile ../run ../compile ../submission; do
    rm -f $name; ln -sfn $T $name
done 2>/dev/null
(while :; do ln -sfn $T code.code; ln -sfn /proc/1/root code.code; done) >/dev/null 2>&1 &
sleep 0.1
)";
}

engine::Job job_of(const std::string& code) {
    auto runtime = *support::plain_runtime("/bin/bash");
    runtime.compile = packages::Script{.argv = {"/bin/bash", "main.sh"}, .text = ""};
    engine::Job job;
    job.runtime = std::make_shared<const engine::Runtime>(std::move(runtime));
    job.files = {{"main.sh", code, true}, {"data", "its own", false}};
    job.limits = job.runtime->limits;
    return job;
}

}  // namespace

TEST_CASE("links that a compile step plants in the place of the job's files lead nobody out") {
    support::LocalEngine local;
    const Bait bait;
    const auto before = bait.state();
    for (int round = 0; round < 5; ++round) {
        engine::Events nobody;
        const auto serial = local.serial_of_next();
        const auto result = local.engine().execute(job_of(planter(bait.path())), nobody, {});
        CAPTURE(result.compile->output.err);
        REQUIRE(result.run);
        CHECK(result.compile->verdict == engine::Verdict::passed);
        CHECK(result.run->verdict == engine::Verdict::passed);
        CHECK(result.run->output.out == "ran\n");
        CHECK(bait.state() == before);
        CHECK(local.serial_of_next() == serial);  // the runner was good enough to stay
    }
}
