#include "packages/debian.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"
#include "packages/names.h"
#include "packages/tool.h"

namespace packages {

namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t max_apt_output = 64 << 20;  // the stanzas of all of a desktop are 10 MiB
constexpr const char* downloaded_lists = "lists-downloaded";  // its age is that of the lists

// Put into a file of apt's, where a path is quoted but nothing else is.
bool is_plain_path(const std::string& path) {
    return path.starts_with('/') && std::ranges::all_of(path, [](unsigned char c) {
               return c > ' ' && c < '\x7f' && c != '"' && c != '\\' && c != ';';
           });
}

void require_plain_path(const std::string& path) {
    if (is_plain_path(path)) return;
    throw sys::Error(sys::Kind::invalid, "apt cannot work in " + in_quotes(path) +
                                             ": it takes an absolute path without blanks");
}

// Read after the machine's configuration, which it thereby outranks.
std::string configuration(const std::string& directory) {
    std::string text;
    // Commands the machine runs after its own installations have no business with ours, and could
    // not do it without root.
    for (const auto* hooks :
         {"APT::Update::Pre-Invoke", "APT::Update::Post-Invoke", "APT::Update::Post-Invoke-Success",
          "DPkg::Pre-Invoke", "DPkg::Post-Invoke", "DPkg::Pre-Install-Pkgs", "AptCli::Hooks",
          "Acquire::Languages"}) {
        text += std::string{"#clear "} + hooks + ";\n";
    }
    const std::pair<const char*, std::string> settings[] = {
        {"Dir::State", directory + "/"},
        {"Dir::State::lists", directory + "/lists/"},
        {"Dir::State::status", directory + "/empty/status"},
        {"Dir::Cache", directory + "/cache/"},
        // apt does not list a file for download that it has already.
        {"Dir::Cache::archives", directory + "/empty/"},
        // What the lists say, parsed: with it an answer takes 50 ms, without it 600.
        {"Dir::Cache::srcpkgcache", "sources.bin"},
        {"Dir::Cache::pkgcache", ""},
        // As root, apt would become a user who may not write here; there is nothing to protect
        // from downloads in a directory that holds nothing else.
        {"APT::Sandbox::User", "root"},
        {"APT::Update::Error-Mode", "any"},
        {"APT::Install-Recommends", "false"},
        {"APT::Install-Suggests", "false"},
        {"APT::Get::Assume-Yes", "true"},
        {"APT::Get::Remove", "false"},
        {"APT::Get::AllowUnauthenticated", "false"},
        // A name is a name, not a pattern.
        {"APT::Cmd::Pattern-Only", "true"},
        {"Acquire::AllowInsecureRepositories", "false"},
        {"Acquire::AllowDowngradeToInsecureRepositories", "false"},
        {"Acquire::Languages", "none"},
        {"Acquire::IndexTargets::deb::DEP-11::DefaultEnabled", "false"},
        {"Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled", "false"},
        {"Acquire::Retries", "3"},
        {"quiet", "2"},
    };
    for (const auto& [name, value] : settings) {
        text += std::string{name} + " \"" + value + "\";\n";
    }
    return text;
}

// The whole text as the file's content; the file is made if it is not there.
void write_whole(const std::string& path, std::string_view text) {
    const auto file = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    while (!text.empty()) {
        const auto length = ::write(file.get(), text.data(), text.size());
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) sys::fail("write " + path);
        text.remove_prefix(static_cast<std::size_t>(length));
    }
}

// A dpkg database of one call: apt locks its directory, and no two calls share one.
class StatusFile {
public:
    StatusFile(const std::string& parent, const std::string& stanzas)
        : directory_(parent + "/status-XXXXXX") {
        if (!::mkdtemp(directory_.data())) sys::fail("make the directory " + directory_);
        write_whole(path(), stanzas);
    }
    StatusFile(const StatusFile&) = delete;
    StatusFile& operator=(const StatusFile&) = delete;
    ~StatusFile() {
        std::error_code ignored;  // a few bytes in a directory of ours
        fs::remove_all(directory_, ignored);
    }

    std::string path() const { return directory_ + "/status"; }
    std::string option() const { return "Dir::State::status=" + path(); }

private:
    std::string directory_;
};

// What to run, with our configuration behind the program's name.
ToolCommand apt(const std::string& program, const std::string& directory,
                const std::vector<std::string>& arguments, std::chrono::milliseconds patience) {
    const auto path = find_program(program);
    if (!path) {
        throw sys::Error(sys::Kind::not_found,
                         "this machine has no " + program +
                             ", which packages made of Debian packages are installed with");
    }
    auto command = ToolCommand{
        .argv = {*path, "-c", directory + "/apt.conf"},
        .environment = client_environment(),
        .directory = directory,
        .patience = patience,
        .most_output = max_apt_output,
    };
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    return command;
}

ToolResult run_apt(const ToolCommand& command, const std::string& what, std::stop_token stop) {
    auto result = run_tool(command, std::move(stop));
    if (result.exit_code == 0) return result;
    const auto errors = apt_errors(result.out, result.err);
    const auto kind = names_missing_package(result.err) ? sys::Kind::not_found : sys::Kind::broken;
    throw sys::Error(kind,
                     "apt cannot " + what + ": " + (errors.empty() ? last_words(result) : errors));
}

// "a, b and 3 more".
std::string listed(const std::vector<std::string>& names) {
    constexpr std::size_t shown = 5;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), shown); ++i) {
        text += (i == 0 ? "" : ", ") + names[i];
    }
    if (names.size() > shown) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

void require_names(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        if (!is_debian_name(name)) {
            throw sys::Error(sys::Kind::invalid,
                             in_quotes(name) + " is not the name of a Debian package");
        }
    }
}

// "name:architecture=version", as apt takes it; packages for all architectures have none to name.
std::string exactly(const DebianPackage& package) {
    const bool for_all = package.architecture == "all";
    return package.name + (for_all ? "" : ":" + package.architecture) + "=" + package.version;
}

bool is_right(const DebianPackage& package, const std::string& path, const HashFile& hash_file) {
    std::error_code error;
    return fs::is_regular_file(fs::symlink_status(path, error)) &&
           fs::file_size(path, error) == package.size && hash_file(path) == package.sha256;
}

// Files of the names of ours that are not what they should be; they are removed, for apt would
// keep one of the right size.
std::vector<const DebianPackage*> missing_of(const std::vector<DebianPackage>& packages,
                                             const std::string& directory,
                                             const HashFile& hash_file) {
    std::vector<const DebianPackage*> missing;
    for (const auto& package : packages) {
        if (!is_file_name(package.file_name)) {
            throw sys::Error(sys::Kind::invalid,
                             in_quotes(package.file_name) + " cannot be the name of a download");
        }
        const auto path = directory + "/" + package.file_name;
        if (is_right(package, path, hash_file)) continue;
        std::error_code error;
        fs::remove(path, error);
        if (error) sys::fail("remove " + path, error.value());
        missing.push_back(&package);
    }
    return missing;
}

std::uint64_t size_of(const std::vector<const DebianPackage*>& packages) {
    std::uint64_t bytes = 0;
    for (const auto* package : packages) bytes += package->size;
    return bytes;
}

}  // namespace

Debian::Debian(DebianSettings settings) : settings_(std::move(settings)) {
    require_plain_path(settings_.directory);
}

void Debian::prepare() const {
    const auto& directory = settings_.directory;
    for (const auto* name : {"/lists/partial", "/cache", "/empty/partial"}) {
        sys::make_directories(directory + name);
    }
    write_whole(directory + "/empty/status", "");
    write_whole(directory + "/apt.conf", configuration(directory));
}

bool Debian::has_lists() const {
    std::error_code error;
    return fs::exists(settings_.directory + "/" + downloaded_lists, error);
}

void Debian::refresh(std::stop_token stop) {
    prepare();
    const auto stamp = settings_.directory + "/" + downloaded_lists;
    std::error_code error;
    const auto age = fs::file_time_type::clock::now() - fs::last_write_time(stamp, error);
    // A date in the future is as good as none.
    const bool fresh = !error && age >= seconds{-1} && age <= settings_.most_age;
    if (fresh || (settings_.offline && has_lists())) return;
    if (settings_.offline) {
        throw sys::Error(sys::Kind::not_found, "there are no Debian package lists in " +
                                                   settings_.directory +
                                                   ", and none are fetched while working offline");
    }
    const auto result =
        run_tool(apt("apt-get", settings_.directory, {"update"}, minutes{10}), std::move(stop));
    if (result.exit_code == 0) {
        write_whole(stamp, "");
        fs::last_write_time(stamp, fs::file_time_type::clock::now());
        return;
    }
    const auto errors = apt_errors(result.out, result.err);
    const auto why = errors.empty() ? last_words(result) : errors;
    if (!has_lists()) {
        throw sys::Error(sys::Kind::broken, "apt cannot fetch Debian's package lists: " + why);
    }
    // Yesterday's lists still do, nearly always.
    sys::log(sys::Level::warn, "debian_lists_not_refreshed", {{"why", why}});
}

std::vector<DebianPackage> Debian::resolve(const std::vector<std::string>& names,
                                           const std::string& status, std::stop_token stop) {
    require_names(names);
    if (names.empty()) return {};
    refresh(stop);
    const auto beneath = StatusFile{settings_.directory, status};
    auto arguments = std::vector<std::string>{"-o", beneath.option(), "--print-uris", "install"};
    arguments.insert(arguments.end(), names.begin(), names.end());
    const auto resolved = run_apt(apt("apt-get", settings_.directory, arguments, minutes{2}),
                                  "resolve the Debian packages " + listed(names), stop);
    auto packages = parse_uris(resolved.out);
    if (packages.empty()) return packages;

    arguments = {"--no-all-versions", "show"};
    for (const auto& package : packages) arguments.push_back(exactly(package));
    const auto shown = run_apt(apt("apt-cache", settings_.directory, arguments, minutes{2}),
                               "show the Debian packages for " + listed(names), std::move(stop));
    complete(packages, shown.out);
    std::ranges::sort(packages, {}, &DebianPackage::name);
    return packages;
}

std::string Debian::candidate_version(const std::string& name, std::stop_token stop) {
    require_names({name});
    refresh(stop);
    const auto versions = candidate_versions({name}, std::move(stop));
    const auto found = versions.find(name);
    if (found == versions.end()) {
        throw sys::Error(sys::Kind::not_found,
                         "Debian, as this machine knows it, has no package " + name);
    }
    return found->second;
}

std::map<std::string, std::string> Debian::candidate_versions(const std::vector<std::string>& names,
                                                              std::stop_token stop) {
    require_names(names);
    if (names.empty() || !has_lists()) return {};
    prepare();
    auto arguments = std::vector<std::string>{"policy"};
    arguments.insert(arguments.end(), names.begin(), names.end());
    const auto said = run_apt(apt("apt-cache", settings_.directory, arguments, minutes{2}),
                              "tell the versions of " + listed(names), std::move(stop));
    std::map<std::string, std::string> versions;
    for (const auto& [name, version] : parse_policy(said.out)) {
        if (auto upstream = upstream_version(version)) versions.emplace(name, *upstream);
    }
    return versions;
}

void Debian::download(const std::vector<DebianPackage>& packages, const std::string& status,
                      const std::string& directory, const HashFile& hash_file,
                      const DownloadProgress& progress, std::stop_token stop) {
    require_plain_path(directory);
    const auto missing = missing_of(packages, directory, hash_file);
    if (missing.empty()) return;
    if (settings_.offline) {
        throw sys::Error(sys::Kind::not_found,
                         missing.front()->file_name + " is not in " + directory +
                             ", and nothing is fetched while working offline");
    }
    prepare();
    const auto beneath = StatusFile{settings_.directory, status};
    auto arguments = std::vector<std::string>{"-o",
                                              beneath.option(),
                                              "-o",
                                              "Dir::Cache::archives=" + directory + "/",
                                              "-o",
                                              "APT::Status-Fd=1",
                                              "--download-only",
                                              "install"};
    for (const auto& package : packages) arguments.push_back(exactly(package));
    auto command = apt("apt-get", settings_.directory, arguments, std::chrono::hours{2});
    const auto missing_bytes = size_of(missing);
    std::uint64_t total = 0;
    for (const auto& package : packages) total += package.size;
    command.on_line = [&](std::string_view line) {
        const auto percent = parse_download_status(line);
        if (!percent || !progress) return;
        const auto fetched = *percent / 100 * static_cast<double>(missing_bytes);
        progress(total - missing_bytes + static_cast<std::uint64_t>(fetched), total);
    };
    run_apt(command, "download " + missing.front()->name, std::move(stop));

    for (const auto* package : missing) {
        const auto path = directory + "/" + package->file_name;
        if (is_right(*package, path, hash_file)) continue;
        std::error_code ignored;  // reported as what it is, whether it can be removed or not
        fs::remove(path, ignored);
        throw sys::Error(sys::Kind::broken, package->file_name +
                                                " is not what was resolved: its "
                                                "size or SHA-256 differs");
    }
    if (progress) progress(total, total);
}

}  // namespace packages
