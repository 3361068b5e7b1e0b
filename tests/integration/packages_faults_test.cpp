// What may happen to an installation: the disk is full, somebody kills it. The command-line tool
// works on a store of its own here, without an engine.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"
#include "packages/digest.h"
#include "packages/installer.h"
#include "packages/store.h"
#include "packages/tree.h"
#include "tests/support/archive_maker.h"

namespace {

namespace fs = std::filesystem;

struct Place {
    std::string path;

    Place() {
        char name[] = "/tmp/crankcase-faults-XXXXXX";
        path = ::mkdtemp(name);
        ::chmod(path.c_str(), 0755);
        fs::create_directories(path + "/recipes");
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { packages::remove_tree(path); }

    std::string data() const { return path + "/data"; }

    // A recipe with one archive of many files.
    void add(const std::string& name, int files, std::size_t bytes) const {
        std::vector<support::ArchiveMember> members;
        for (int i = 0; i < files; ++i) {
            members.push_back({.name = "opt/" + name + "/" + std::to_string(i),
                               .content = std::string(bytes, static_cast<char>('a' + i % 26))});
        }
        const auto tar = support::make_tar(members);
        std::ofstream{path + "/" + name + ".tar", std::ios::binary} << tar;
        packages::Hasher hasher{packages::Digest::Algorithm::sha256};
        hasher.update(tar);
        std::ofstream{path + "/recipes/" + name + ".toml"}
            << "name = \"" << name << "\"\nversion = \"1.0.0\"\nsummary = \"x\"\n[[source]]\nurl = "
            << "\"file://" << path << "/" << name << ".tar\"\ndigest = \""
            << to_string(hasher.finish()) << "\"\n";
    }
};

packages::InstallerSettings settings(const Place& place) {
    return {.recipe_directories = {place.path + "/recipes"}};
}

pid_t start_tool(const Place& place, const std::string& command) {
    const auto program = isolate::program_directory() + "/crankcase";
    std::vector<std::string> words{program, "--set", "user=nobody"};
    for (const auto& setting :
         {"paths.data_directory=" + place.data(), "paths.run_directory=" + place.path + "/run",
          "paths.recipes=" + place.path + "/recipes"}) {
        words.push_back("--set");
        words.push_back(setting);
    }
    words.push_back(command);
    words.push_back("toy");
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const pid_t pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid != 0) return pid;
    const int nothing = ::open("/dev/null", O_RDWR);
    ::dup2(nothing, STDOUT_FILENO);
    ::dup2(nothing, STDERR_FILENO);
    ::execv(program.c_str(), argv.data());
    ::_exit(127);
}

int finish(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// In a mount namespace of its own, so that the small disk is nobody else's business.
int on_a_small_disk(const Place& place) {
    fs::create_directories(place.data());
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("small", place.data().c_str(), "tmpfs", 0, "size=3m") != 0)
        return 10;
    const packages::Store store{place.data()};
    packages::Installer installer{store, settings(place)};
    const auto install = [&](const std::string& name) {
        installer.install({.name = name, .range = "*", .libraries = {}}, {}, {});
    };
    install("base");
    try {
        install("large");
        return 11;  // it cannot fit
    } catch (const sys::Error& error) {
        if (std::string{error.what()}.find("No space left") == std::string::npos) return 12;
    }
    if (store.installed().size() != 1 || !store.unreferenced_layers().empty()) return 13;
    for (const auto& entry : fs::directory_iterator{store.layers_directory()}) {
        if (entry.path().filename().string().starts_with("staging")) return 14;
    }
    install("toy");
    return store.verify(store.installed().back()).empty() ? 0 : 15;
}

}  // namespace

TEST_CASE("a full disk leaves nothing half installed, and the next package still fits") {
    const Place place;
    place.add("base", 2, 1000);
    place.add("large", 40, 100'000);
    place.add("toy", 5, 1000);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        int code = 20;
        try {
            code = on_a_small_disk(place);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
        }
        ::_exit(code);
    }
    CHECK(finish(child) == 0);
}

TEST_CASE(
    "the tool killed at any moment installs the whole package or nothing, and goes on next time") {
    const Place place;
    place.add("base", 20, 3000);
    place.add("toy", 60, 3000);
    using Clock = std::chrono::steady_clock;
    const auto began = Clock::now();
    REQUIRE(finish(start_tool(place, "install")) == 0);
    const auto whole_time = Clock::now() - began;
    REQUIRE(finish(start_tool(place, "uninstall")) == 0);

    constexpr int rounds = 20;
    for (int round = 0; round < rounds; ++round) {
        for (const std::string command : {"install", "uninstall"}) {
            const pid_t tool = start_tool(place, command);
            std::this_thread::sleep_for(whole_time * (round + 1) / rounds);
            ::kill(tool, SIGKILL);
            finish(tool);
            const packages::Store store{place.data()};
            for (const auto& record : store.installed()) CHECK(store.verify(record).empty());
        }
    }
    CHECK(finish(start_tool(place, "install")) == 0);
    CHECK(finish(start_tool(place, "uninstall")) == 0);
    CHECK(finish(start_tool(place, "gc")) >= 0);
    const packages::Store store{place.data()};
    CHECK(store.unreferenced_layers().empty());
    for (const auto& entry : fs::directory_iterator{store.layers_directory()})
        CHECK(entry.path().filename().string().starts_with("base"));
}
