// key create, list and revoke: the file of API keys (config/keys.h). A key is shown once, when it
// is made; the file has its digest.
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "config/keys.h"
#include "config/rules.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "isolate/sys/owned_file.h"
#include "packages/digest.h"

namespace cli {

namespace {

constexpr const char* reload_hint =
    "an engine that runs knows it once it is told to read its settings: kill -HUP, or systemctl "
    "reload crankcase";

std::string file_of(Session& session, const KeyOptions& options) {
    session.refuse_remote("key");
    if (!options.file.empty()) return options.file;
    const auto& file = session.settings().keys.file;
    if (file.empty())
        throw Failure(ExitCode::usage,
                      "no file of keys: name one with --file, and to the engine with the setting "
                      "keys.file");
    return file;
}

// So that two of us do not undo each other's change; lies beside the file.
sys::UniqueFd lock_of(const std::string& file) {
    auto lock = sys::open(file + ".lock", O_RDWR | O_CREAT, 0600);
    if (::flock(lock.get(), LOCK_EX) != 0) sys::fail("lock " + file);
    return lock;
}

std::string text_of_file(const std::string& file) {
    return sys::try_read_file(file).value_or("");
}

std::vector<config::Key> keys_of(const std::string& file, const std::string& text) {
    try {
        return config::parse_keys(text);
    } catch (const config::SettingsError& error) {
        throw Failure(ExitCode::failed, printable(file) + ": " + error.what());
    }
}

// An operator's owner and mode are kept. A new file is the engine's user's, who has to read it
// again for each reload, and nobody else's.
sys::Ownership ownership_of(Session& session, const std::string& file) {
    struct stat known {};
    if (::stat(file.c_str(), &known) == 0)
        return {.owner = known.st_uid, .group = known.st_gid, .mode = known.st_mode & 0777};
    const auto* user = ::geteuid() == 0 ? ::getpwnam(session.settings().user.c_str()) : nullptr;
    if (user == nullptr) return {.owner = ::geteuid(), .group = ::getegid(), .mode = 0600};
    return {.owner = user->pw_uid, .group = user->pw_gid, .mode = 0600};
}

// 256 random bits in base64 for addresses, with a beginning that scanners for leaked keys can find.
std::string new_key() {
    std::string bytes(32, '\0');
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        sys::fail("getrandom");
    auto text = packages::encode_base64(bytes);
    std::ranges::replace(text, '+', '-');
    std::ranges::replace(text, '/', '_');
    std::erase(text, '=');
    return "ck_" + text;
}

config::Key key_of(const KeyOptions& options) {
    config::Key key{.name = options.name, .jobs = options.jobs};
    if (!config::is_key_name(key.name))
        throw Failure(ExitCode::usage,
                      "a key's name is at most 64 letters, digits, '.', '-', '_' and '@'");
    key.scopes = config::parse_scopes(options.scopes);
    if (key.scopes == 0)
        throw Failure(ExitCode::usage,
                      "--scopes takes some of run,install,admin, not " + printable(options.scopes));
    if (!options.rate.empty() && !config::parse_rate(options.rate, key.rate))
        throw Failure(ExitCode::usage,
                      "--rate takes a number a second, a minute or an hour, such as 10/s or "
                      "600/m, not " +
                          printable(options.rate));
    if (options.burst > 0 && options.rate.empty())
        throw Failure(ExitCode::usage, "--burst says how much of --rate may come at once");
    if (options.burst > 0) key.rate.burst = options.burst;
    return key;
}

std::string limits_of(const config::Key& key) {
    const auto line = config::line_of(key);
    const auto behind = line.find(' ', line.find(" scopes=") + 1);
    return behind == line.npos ? "" : line.substr(behind + 1);
}

std::string scopes_of(const config::Key& key) {
    std::string text;
    for (const auto scope : {config::Scope::run, config::Scope::install, config::Scope::admin}) {
        if ((key.scopes & static_cast<unsigned>(scope)) != 0)
            text.append(text.empty() ? "" : ",").append(config::name_of(scope));
    }
    return text;
}

}  // namespace

ExitCode key_create(Session& session, const KeyOptions& options) {
    const auto file = file_of(session, options);
    auto key = key_of(options);
    const auto secret = new_key();
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(secret);
    std::ranges::copy(hasher.finish().bytes, key.digest.begin());

    const auto lock = lock_of(file);
    auto text = text_of_file(file);
    const auto known = keys_of(file, text);
    if (std::ranges::find(known, key.name, &config::Key::name) != known.end())
        throw Failure(ExitCode::usage, "there is a key " + key.name + " already; revoke it first");
    if (known.size() >= config::most_keys)
        throw Failure(ExitCode::failed, "there are as many keys as there may be");
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    sys::replace_owned_file(file, text + config::line_of(key) + "\n", ownership_of(session, file));

    session.print(secret + "\n");
    session.complain("this is the only time the key is shown; " + std::string{reload_hint});
    return ExitCode::done;
}

ExitCode key_list(Session& session, const KeyOptions& options) {
    const auto file = file_of(session, options);
    const auto keys = keys_of(file, text_of_file(file));
    if (options.json) {
        auto list = nlohmann::ordered_json::array();
        for (const auto& key : keys)
            list.push_back(
                {{"name", key.name}, {"scopes", scopes_of(key)}, {"limits", limits_of(key)}});
        session.print(list.dump(2) + "\n");
        return ExitCode::done;
    }
    std::size_t width = 0;
    for (const auto& key : keys) width = std::max(width, key.name.size());
    for (const auto& key : keys) {
        const auto limits = limits_of(key);
        session.print(key.name + std::string(width - key.name.size() + 2, ' ') + scopes_of(key) +
                      (limits.empty() ? "" : "  " + limits) + "\n");
    }
    return ExitCode::done;
}

ExitCode key_revoke(Session& session, const KeyOptions& options) {
    const auto file = file_of(session, options);
    const auto lock = lock_of(file);
    const auto text = text_of_file(file);
    const auto rest = config::without_key(text, options.name);
    if (rest == text)
        throw Failure(ExitCode::not_found, "there is no key " + printable(options.name));
    sys::replace_owned_file(file, rest, ownership_of(session, file));
    session.complain("revoked; " + std::string{reload_hint});
    return ExitCode::done;
}

}  // namespace cli
