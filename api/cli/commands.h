// The commands: what each is told on the command line, and the functions that do them. Each returns
// the exit code and throws what exit_code_of (failure.h) understands. arguments.cpp reads the line.
#pragma once

#include <string>
#include <vector>

#include "api/cli/failure.h"
#include "api/cli/run/program.h"
#include "packages/installer.h"

namespace cli {

class Session;

struct ListOptions {
    bool installed = false, available = false, upgradable = false;
    bool names = false;  // one name a line, without privilege: for completion
    bool json = false;
};
ExitCode list(Session& session, const ListOptions& options);

struct SearchOptions {
    std::string word;
    bool json = false;
};
ExitCode search(Session& session, const SearchOptions& options);

struct InfoOptions {
    std::string name;
    bool json = false;
};
ExitCode info(Session& session, const InfoOptions& options);

// In whose words: ours, or Piston's ("✓ Installation succeeded").
enum class Words { ours, piston };

struct InstallOptions {
    std::vector<std::string> names;
    std::string libraries;  // "a,b"
    std::string bundle;     // a file
};
ExitCode install(Session& session, const InstallOptions& options, Words words);
ExitCode uninstall(Session& session, const std::vector<std::string>& names, Words words);

struct UpgradeOptions {
    std::vector<std::string> names;
    bool replace = false;
};
ExitCode upgrade(Session& session, const UpgradeOptions& options);

struct SpecOptions {
    std::string file;
    bool dry_run = false;
};
ExitCode spec(Session& session, const SpecOptions& options);

ExitCode piston_list(Session& session);

struct VerifyOptions {
    std::vector<std::string> names;
    bool json = false;
};
ExitCode verify(Session& session, const VerifyOptions& options);
ExitCode collect_garbage(Session& session);

struct BundleOptions {
    std::string file;
    std::vector<std::string> names;
};
ExitCode bundle(Session& session, const BundleOptions& options);

struct BaseOptions {
    bool force = false;
};
ExitCode base_create(Session& session, const BaseOptions& options);

struct TestOptions {
    std::vector<std::string> names;
    bool json = false;
};
ExitCode test(Session& session, const TestOptions& options);

struct RuntimesOptions {
    bool json = false;
};
ExitCode runtimes(Session& session, const RuntimesOptions& options);

// Where crankcased would listen, as its own --listen says it; empty: as the settings say.
struct ConfigOptions {
    std::string key;   // of show: one key, or a section; empty: all
    std::string file;  // of check: instead of the usual one
    std::string listen;
    bool json = false;
};
ExitCode config_show(Session& session, const ConfigOptions& options);
ExitCode config_check(Session& session, const ConfigOptions& options);

struct DoctorOptions {
    bool json = false;
    bool fix = false;    // remove left-overs
    bool list = false;   // only the names that doctor.override takes
    bool brief = false;  // one line, and nothing is tried
};
ExitCode diagnose(Session& session, const DoctorOptions& options);

// What a key is made with; list and revoke use the first two and json.
struct KeyOptions {
    std::string file;  // empty: as the settings say
    std::string name;
    std::string scopes = "run";
    std::string rate;  // "10/s"; empty: any
    int burst = 0;     // 0: as the rate
    int jobs = 0;      // 0: any number
    bool json = false;
};
ExitCode key_create(Session& session, const KeyOptions& options);
ExitCode key_list(Session& session, const KeyOptions& options);
ExitCode key_revoke(Session& session, const KeyOptions& options);

// Returns the program's exit code as its own (run/ending.h), and throws for what is not the
// program's doing.
ExitCode run(Session& session, const RunOptions& options);

// ---- what several of them share -----------------------------------------------------------------

// Requests of names. Throws Failure{usage} for what is no NAME or NAME=RANGE.
std::vector<packages::Request> requests_of(const std::vector<std::string>& names);

// "php", or "php=8.2" if a version was asked for.
std::string text_of(const packages::Request& request);

}  // namespace cli
