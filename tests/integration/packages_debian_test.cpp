#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/debian.h"
#include "packages/digest.h"
#include "packages/tool.h"

namespace {

using namespace packages;
namespace fs = std::filesystem;

// Small, with one dependency that is there on any Debian.
constexpr const char* wanted = "hello";

class TempDir {
public:
    TempDir() {
        if (!::mkdtemp(path_.data())) sys::fail("make " + path_);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }

private:
    std::string path_ = fs::temp_directory_path() / "crankcase-debian-XXXXXX";
};

std::string sha256_of(const std::string& path) {
    const auto file = sys::open(path, O_RDONLY);
    const auto text = to_string(digest_of_file(file, Digest::Algorithm::sha256));
    return text.substr(text.find(':') + 1);
}

// Whether there is an apt whose sources answer. Asked once; a machine without it skips, visibly.
bool debian_answers() {
    static const bool answers = [] {
        if (!find_program("apt-get") || !find_program("apt-cache")) return false;
        const auto directory = TempDir{};
        try {
            Debian{{.directory = directory.path()}}.candidate_version(wanted);
        } catch (const sys::Error& error) {
            MESSAGE("apt: " << error.what());
            return false;
        }
        return true;
    }();
    if (!answers) MESSAGE("skipped: this host has no Debian package sources that answer");
    return answers;
}

std::string stanzas_of(const std::vector<DebianPackage>& packages) {
    std::string text;
    for (const auto& package : packages) text += package.stanza + "\n";
    return text;
}

const DebianPackage& named(const std::vector<DebianPackage>& packages, const std::string& name) {
    const auto found = std::ranges::find(packages, name, &DebianPackage::name);
    REQUIRE(found != packages.end());
    return *found;
}

// Resolves and downloads twice; says by exceptions what went wrong, so that a child can do it.
void resolve_and_download(const std::string& directory) {
    const auto must = [](bool holds, const char* what) {
        if (!holds) throw sys::Error(sys::Kind::broken, what);
    };
    auto debian = Debian{{.directory = directory + "/apt"}};
    const auto packages = debian.resolve({wanted}, "");
    must(packages.size() > 1, "the dependencies come along");

    const auto store = directory + "/debs";
    fs::create_directory(store);
    std::uint64_t last = 0, total = 0;
    debian.download(packages, "", store, sha256_of, [&](std::uint64_t done, std::uint64_t all) {
        must(done >= last && done <= all, "progress goes one way");
        last = done;
        total = all;
    });
    must(total > 0 && last == total, "progress ends at the total");
    for (const auto& package : packages) {
        must(sha256_of(store + "/" + package.file_name) == package.sha256, "the digest is right");
    }

    // Once it is all there, nobody has to be asked.
    auto offline = Debian{{.directory = directory + "/apt", .offline = true}};
    must(offline.resolve({wanted}, "") == packages, "offline it resolves to the same");
    offline.download(packages, "", store, sha256_of, {});
}

TEST_CASE("Debian packages are resolved on top of what is there") {
    if (!debian_answers()) return;
    const auto directory = TempDir{};
    auto debian = Debian{{.directory = directory.path()}};
    const auto all = debian.resolve({wanted}, "");
    const auto& hello = named(all, wanted);
    CHECK(hello.sha256.size() == 64);
    CHECK(hello.size > 0);
    CHECK(hello.url.find(wanted) != std::string::npos);
    CHECK(hello.stanza.find("Status: install ok installed\n") != std::string::npos);
    CHECK(named(all, "libc6").size > hello.size);

    std::vector<DebianPackage> base;
    std::ranges::copy_if(all, std::back_inserter(base),
                         [](const DebianPackage& package) { return package.name != wanted; });
    const auto on_top = debian.resolve({wanted}, stanzas_of(base));
    CHECK(on_top == std::vector{hello});
    CHECK(debian.resolve({wanted}, stanzas_of(all)).empty());

    const auto versions = debian.candidate_versions({wanted, "no-such-package-anywhere"});
    REQUIRE(versions.size() == 1);
    CHECK(versions.at(wanted) == upstream_version(hello.version));
    CHECK(debian.candidate_version(wanted) == upstream_version(hello.version));
    // Nothing but apt's own is left between calls.
    for (const auto& entry : fs::directory_iterator{directory.path()}) {
        CHECK_FALSE(entry.path().filename().native().starts_with("status-"));
    }
}

TEST_CASE("Debian packages are downloaded by whoever runs the engine, root or not") {
    if (!debian_answers()) return;
    SUBCASE("as who runs the tests") {
        const auto directory = TempDir{};
        CHECK_NOTHROW(resolve_and_download(directory.path()));
    }
    SUBCASE("as nobody") {
        if (::getuid() != 0) {
            MESSAGE("skipped: only root can become somebody else");
            return;
        }
        const auto directory = TempDir{};
        constexpr uid_t nobody = 65534;
        REQUIRE(::chown(directory.path().c_str(), nobody, nobody) == 0);
        const auto said = directory.path() + "/said";
        const auto child = ::fork();
        if (child == 0) {
            int code = 1;
            try {
                if (::setgid(nobody) == 0 && ::setuid(nobody) == 0) {
                    ::unsetenv("HOME");
                    resolve_and_download(directory.path());
                    code = 0;
                }
            } catch (const std::exception& error) {
                std::ofstream{said} << error.what();
            }
            ::_exit(code);
        }
        int status = -1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CAPTURE(sys::try_read_file(said).value_or(""));
        CHECK(status == 0);
    }
}

TEST_CASE("a Debian package that is cut or forged is fetched again, or refused") {
    if (!debian_answers()) return;
    const auto directory = TempDir{};
    auto debian = Debian{{.directory = directory.path() + "/apt"}};
    const auto all = debian.resolve({wanted}, "");
    const auto beneath = [&] {
        auto others = all;
        std::erase_if(others, [](const DebianPackage& package) { return package.name == wanted; });
        return stanzas_of(others);
    }();
    auto hello = named(all, wanted);
    const auto store = directory.path() + "/debs";
    fs::create_directory(store);
    const auto file = store + "/" + hello.file_name;

    struct Row {
        std::string name, content;
    };
    const Row rows[] = {
        {"cut", "!<arch>\n"},
        {"another of the same size", std::string(hello.size, 'x')},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        std::ofstream{file} << row.content;
        debian.download({hello}, beneath, store, sha256_of, {});
        CHECK(sha256_of(file) == hello.sha256);
    }

    hello.sha256 = std::string(64, '0');
    CHECK_THROWS_AS(debian.download({hello}, beneath, store, sha256_of, {}), sys::Error);
    CHECK_FALSE(fs::exists(file));
}

sys::Kind kind_of_failure(Debian& debian, const std::string& name, std::stop_token stop = {}) {
    try {
        debian.resolve({name}, "", std::move(stop));
    } catch (const sys::Error& error) {
        return error.kind();
    }
    FAIL("it did not fail");
    return {};
}

TEST_CASE("a Debian package that does not exist is not found") {
    if (!debian_answers()) return;
    const auto directory = TempDir{};
    auto debian = Debian{{.directory = directory.path()}};
    CHECK(kind_of_failure(debian, "no-such-package-anywhere") == sys::Kind::not_found);
    // A pattern that would match python3.11, were names patterns.
    CHECK(kind_of_failure(debian, "python.......") == sys::Kind::not_found);
    CHECK_THROWS_AS(debian.candidate_version("no-such-package-anywhere"), sys::Error);
    std::stop_source stop;
    stop.request_stop();
    CHECK(kind_of_failure(debian, wanted, stop.get_token()) == sys::Kind::busy);
}

TEST_CASE("offline and without lists, nothing is resolved and nobody asked") {
    const auto directory = TempDir{};
    auto debian = Debian{{.directory = directory.path(), .offline = true}};
    CHECK(kind_of_failure(debian, wanted) == sys::Kind::not_found);
    CHECK(debian.candidate_versions({wanted}).empty());
    CHECK(fs::is_empty(directory.path() + "/lists/partial"));
}

}  // namespace
