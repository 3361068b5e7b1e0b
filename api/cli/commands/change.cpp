// install, uninstall, upgrade: one request after another; the first that fails does not stop the
// rest, but decides the exit code.
#include <fcntl.h>

#include <algorithm>
#include <functional>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/version.h"

namespace cli {

namespace {

using packages::Request;

std::string words_of(const Done& done) {
    return printable(done.name + " " + done.version);
}

// Complains in the words asked for, and goes on unless we were told to stop.
ExitCode for_each(Session& session, const std::vector<Request>& requests, Words words,
                  const std::function<void(const Request&)>& act) {
    auto result = ExitCode::done;
    for (const auto& request : requests) {
        try {
            act(request);
        } catch (const std::exception& error) {
            if (Interrupt::signal() != 0) throw;
            const auto why = printable(error.what());
            const bool several = requests.size() > 1;
            if (words == Words::piston)
                session.complain_plainly(why);
            else
                session.complain(several ? text_of(request) + ": " + why : why);
            if (result == ExitCode::done) result = exit_code_of(error);
        }
    }
    return result;
}

// A bundle is opened as whoever started us and read as the engine's user, by the name its
// descriptor has: that needs the file's permission, but not that of the directories above it.
struct OpenedBundle {
    sys::UniqueFd file;
    std::string path;

    explicit OpenedBundle(const std::string& name)
        : file(sys::open(name, O_RDONLY)), path("/proc/self/fd/" + std::to_string(file.get())) {}
};

std::vector<Request> unpack_bundle(Session& session, const InstallOptions& options) {
    session.refuse_remote("--from-bundle");
    const OpenedBundle bundle{options.bundle};
    session.stay_offline();
    auto& installer = session.local().installer();
    if (!sys::try_open(bundle.path, O_RDONLY)) {
        throw Failure(ExitCode::permission, "the user " + session.settings().user +
                                                " may not read " + options.bundle +
                                                ": give it a `chmod a+r`");
    }
    return installer.unbundle(bundle.path);
}

std::vector<Request> wanted(const InstallOptions& options) {
    auto requests = requests_of(options.names);
    if (!options.libraries.empty()) {
        if (requests.size() != 1)
            throw Failure(ExitCode::usage, "--with goes with exactly one NAME");
        requests.front().libraries = split(options.libraries, ',');
    }
    if (requests.empty() && options.bundle.empty())
        throw Failure(ExitCode::usage, "install what? It takes a NAME, or --from-bundle FILE");
    return requests;
}

// Says what came with the bundle, and leaves of the requests those that did not.
void install_bundle(Session& session, const InstallOptions& options,
                    std::vector<Request>& requests) {
    for (const auto& bundled : unpack_bundle(session, options)) {
        session.say(session.paint("installed", Tint::green) + " " +
                    printable(bundled.name + " " + bundled.range));
        std::erase_if(requests, [&](const Request& request) {
            return request.name == bundled.name && request.libraries.empty();
        });
    }
}

void install_one(Session& session, const Request& request, Words words) {
    const auto done = session.backend().install(request, session.progress(), session.stop());
    if (words == Words::piston) return session.print("✓ Installation succeeded\n");
    if (done.already) return session.say(words_of(done) + " is installed already");
    const auto with =
        request.libraries.empty() ? "" : " with " + printable(joined(request.libraries, ", "));
    const auto pending = done.pending ? "; the engine does its last step" : "";
    session.say(session.paint("installed", Tint::green) + " " + words_of(done) + with + pending);
}

void uninstall_one(Session& session, const Request& request, Words words) {
    const auto done = session.backend().uninstall(request, session.progress(), session.stop());
    if (words == Words::piston) return session.print("✓ Uninstallation succeeded\n");
    session.say(session.paint("uninstalled", Tint::green) + " " + words_of(done));
}

// Installed packages with something newer, of these names if any are given.
std::vector<Listed> upgradable(Session& session, const std::vector<std::string>& names) {
    auto list = session.backend().list();
    for (const auto& name : names) {
        const auto is_it = [&](const Listed& entry) {
            return entry.installed && entry.name == name;
        };
        if (std::ranges::none_of(list, is_it))
            throw Failure(ExitCode::not_found, printable(name) + " is not installed");
    }
    std::erase_if(list, [&](const Listed& entry) {
        const bool named = names.empty() || std::ranges::find(names, entry.name) != names.end();
        return entry.newer.empty() || !named;
    });
    return list;
}

}  // namespace

std::vector<Request> requests_of(const std::vector<std::string>& names) {
    std::vector<Request> requests;
    for (const auto& name : names) {
        try {
            requests.push_back(packages::parse_request(name));
        } catch (const sys::Error& error) {
            throw Failure(ExitCode::usage, printable(error.what()));
        }
    }
    return requests;
}

std::string text_of(const Request& request) {
    return printable(request.range == "*" ? request.name : request.name + "=" + request.range);
}

ExitCode install(Session& session, const InstallOptions& options, Words words) {
    auto requests = wanted(options);
    if (!options.bundle.empty()) install_bundle(session, options, requests);
    return for_each(session, requests, words,
                    [&](const Request& request) { install_one(session, request, words); });
}

ExitCode uninstall(Session& session, const std::vector<std::string>& names, Words words) {
    return for_each(session, requests_of(names), words,
                    [&](const Request& request) { uninstall_one(session, request, words); });
}

ExitCode upgrade(Session& session, const UpgradeOptions& options) {
    const auto old = upgradable(session, options.names);
    if (old.empty()) session.say("everything is as new as can be had");
    std::vector<Request> requests;
    for (const auto& entry : old)
        requests.push_back({.name = entry.name, .range = entry.newer, .libraries = {}});
    return for_each(session, requests, Words::ours, [&](const Request& request) {
        install_one(session, request, Words::ours);
        const auto* entry = &*std::ranges::find(old, request.name, &Listed::name);
        if (options.replace) {
            const Request outdated{.name = entry->name, .range = entry->version, .libraries = {}};
            uninstall_one(session, outdated, Words::ours);
        } else {
            session.say("  " + printable(entry->version) + " stays; `crankcase uninstall " +
                        printable(entry->name + "=" + entry->version) + "` takes it away");
        }
    });
}

}  // namespace cli
