// verify, gc, bundle, base create: looking after what is installed.
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "api/cli/commands.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/version.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;
using packages::Record;

// All installed packages, or those of the names. Throws Failure{not_found}.
std::vector<Record> records_of(Local& local, const std::vector<std::string>& names) {
    const auto records = local.store().installed();
    if (names.empty()) return records;
    std::vector<Record> chosen;
    for (const auto& request : requests_of(names)) {
        const auto range = packages::parse_range(request.range);
        const auto before = chosen.size();
        for (const auto& record : records) {
            const auto version = packages::parse_version(record.version);
            const bool fits =
                request.range == "*" || (range && version && range->contains(*version));
            if (record.name == request.name && fits) chosen.push_back(record);
        }
        if (chosen.size() == before)
            throw Failure(ExitCode::not_found, text_of(request) + " is not installed");
    }
    return chosen;
}

struct Verified {
    const Record* record;
    std::vector<std::string> complaints;
};

std::string json_of(const std::vector<Verified>& results) {
    auto json = Json::array();
    for (const auto& [record, complaints] : results) {
        json.push_back({{"name", record->name},
                        {"version", record->version},
                        {"good", complaints.empty()},
                        {"complaints", complaints}});
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

void throw_if_stopped(const std::stop_token& stop) {
    if (stop.stop_requested()) throw sys::Error(sys::Kind::busy, "stopped");
}

void say_verified(Session& session, const Verified& result) {
    const auto title = printable(result.record->name + " " + result.record->version);
    if (result.complaints.empty())
        return session.say(session.paint("good", Tint::green) + "     " + title);
    session.print(session.paint("damaged", Tint::red) + "  " + title + "\n");
    for (const auto& complaint : result.complaints)
        session.print("         " + printable(complaint) + "\n");
}

// Copies the whole of a file over another one, from its beginning.
void overwrite(const sys::UniqueFd& to, const sys::UniqueFd& from, const std::string& name) {
    struct stat status {};
    if (::fstat(from.get(), &status) != 0) sys::fail("look at the bundle");
    if (::ftruncate(to.get(), 0) != 0) sys::fail("empty " + name);
    for (off_t offset = 0; offset < status.st_size;) {
        const auto rest = static_cast<std::size_t>(status.st_size - offset);
        const auto sent = ::sendfile(to.get(), from.get(), &offset, rest);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) sys::fail("write " + name, sent == 0 ? EIO : errno);
    }
    if (::fsync(to.get()) != 0) sys::fail("write " + name);
}

// Gone with this value.
struct TemporaryFile {
    std::string path;
    ~TemporaryFile() { ::unlink(path.c_str()); }
};

// The record goes first, so nothing is run from a base that is being made again.
void forget(Session& session, const Record& base) {
    const auto& local = session.local();
    const auto transaction = local.begin(session.progress(), session.stop());
    transaction.remove(base.name, base.version);
    // Layers are told apart by what they held when they were made: a damaged one would be taken for
    // the new one. Those of other packages are none of our business here.
    transaction.collect_garbage([&](const std::string& layer) {
        return std::ranges::none_of(base.layers,
                                    [&](const packages::Layer& own) { return own.name == layer; });
    });
}

}  // namespace

ExitCode verify(Session& session, const VerifyOptions& options) {
    session.refuse_remote("verify");
    auto& local = session.local();
    const auto stop = session.stop();
    const auto records = records_of(local, options.names);
    std::vector<Verified> results;
    for (const auto& record : records) {
        throw_if_stopped(stop);
        results.push_back({&record, local.store().verify(record)});
        if (!options.json) say_verified(session, results.back());
    }
    if (options.json) session.print(json_of(results));
    const bool good = std::ranges::all_of(
        results, [](const Verified& result) { return result.complaints.empty(); });
    if (good) return ExitCode::done;
    session.complain("damaged packages are made whole by uninstalling and installing them again");
    return ExitCode::damaged;
}

ExitCode collect_garbage(Session& session) {
    session.refuse_remote("gc");
    auto& local = session.local();
    const auto removed = local.collect_garbage(session.progress(), session.stop());
    for (const auto& name : removed)
        session.say(session.paint("removed", Tint::green) + " " + printable(name));
    const auto left = local.store().unreferenced_layers().size();
    if (left > 0)
        session.say("the running engine removes " + std::to_string(left) +
                    " more as soon as no job needs them");
    if (removed.empty() && left == 0) session.say("there is nothing that nobody needs");
    return ExitCode::done;
}

ExitCode bundle(Session& session, const BundleOptions& options) {
    session.refuse_remote("bundle");
    const auto requests = requests_of(options.names);
    // Opened as whoever started us; what goes in is made as the engine's user, beside its
    // downloads.
    const auto file = sys::open(options.file, O_WRONLY | O_CREAT | O_NOCTTY, 0644);
    auto& local = session.local();
    const TemporaryFile half{local.store().cache_directory() + "/bundle-" +
                             std::to_string(::getpid()) + ".tar"};
    local.installer().bundle(requests, half.path, session.progress(), session.stop());
    overwrite(file, sys::open(half.path, O_RDONLY), options.file);
    struct stat status {};
    const bool known = ::fstat(file.get(), &status) == 0;
    session.say(session.paint("written", Tint::green) + " " + printable(options.file) +
                (known ? ", " + human_size(static_cast<std::uint64_t>(status.st_size)) : ""));
    return ExitCode::done;
}

ExitCode base_create(Session& session, const BaseOptions& options) {
    session.refuse_remote("base create");
    auto& local = session.local();
    const auto records = local.store().installed();
    const auto* base = packages::newest(records, "base", packages::Range{.alternatives = {{}}});
    if (base) {
        const bool good = local.store().verify(*base).empty();
        if (good && !options.force) {
            session.say("base " + printable(base->version) + " is installed, and good");
            return ExitCode::done;
        }
        forget(session, *base);
    }
    const packages::Request request{.name = "base", .range = "*", .libraries = {}};
    const auto record = local.installer().install(request, session.progress(), session.stop());
    session.say(session.paint(base ? "made again" : "installed", Tint::green) + " base " +
                printable(record.version));
    return ExitCode::done;
}

}  // namespace cli
