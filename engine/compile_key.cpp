#include "engine/compile_key.h"

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

#include "engine/command.h"
#include "packages/digest.h"

namespace engine {

namespace {

// Of another form, or with another meaning, it would have to be another text.
constexpr std::string_view form = "crankcase compile stage, 1";

// More than people write, and as much as is looked through in a few milliseconds.
constexpr std::size_t most_bytes = std::size_t{4} << 20;

// In lower case. The halves are of __DATE__, __TIME__ and __TIMESTAMP__, which can be put together
// from two pieces (C11 6.10.3.3).
constexpr std::string_view words[] = {
    "__da",      "ate__",  "__ti",  "ime__", "amp__",  // when it is compiled
    "embed",     "incbin",                             // files as they are
    "/proc",     "/sys/",  "/dev/",                    // files that are never the same
    "args.args",                                       // of the run stage, not in the key
};

// What changes when Debian's tools install, upgrade or remove something, or somebody does so by
// hand; the last is what scripts/setup makes.
constexpr const char* changed_by_installing[] = {
    "/var/lib/dpkg/status", "/etc/alternatives",  "/usr/include",   "/usr/lib",
    "/usr/local/bin",       "/usr/local/include", "/usr/local/lib", "/usr/local/lib/crankcase",
};

// Each part with its length, so that no two lists of parts read the same.
class Listing {
public:
    void add(std::string_view part) {
        add(part.size());
        hasher_.update(part);
    }
    void add(std::uint64_t number) {
        // char may alias anything.
        hasher_.update({reinterpret_cast<const char*>(&number), sizeof number});
    }
    void add(const std::vector<std::string>& parts) {
        add(parts.size());
        for (const auto& part : parts) add(part);
    }
    std::string digest() {
        const auto text = packages::to_string(hasher_.finish());
        return text.substr(text.find(':') + 1);
    }

private:
    packages::Hasher hasher_{packages::Digest::Algorithm::sha256};
};

void add_limits(Listing& listing, const config::Limits& limits, config::Milliseconds total_time) {
    for (const auto time : {limits.wall_time, limits.cpu_time, total_time})
        listing.add(static_cast<std::uint64_t>(time.count()));
    for (const auto bytes : {limits.memory, limits.file_size, limits.disk, limits.output})
        listing.add(bytes.count);
    for (const auto count :
         {limits.processes, limits.open_files, limits.disk_entries, limits.cpu_percent})
        listing.add(static_cast<std::uint64_t>(count));
}

bool has_key(const Job& job) {
    if (!job.runtime->compiled() || !job.runtime->compile->cache_unless) return false;
    std::size_t bytes = 0;
    for (const auto& file : job.files) bytes += file.content.size();
    if (bytes > most_bytes) return false;
    return std::ranges::none_of(job.files, [&](const File& file) {
        return looks_further(file.content, *job.runtime->compile->cache_unless);
    });
}

char lower(char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
}

// Whether a line goes on behind the backslash at that place, and where.
std::optional<std::size_t> continued(std::string_view text, std::size_t backslash) {
    const auto end = text.find_first_not_of(" \t\r", backslash + 1);
    if (end == text.npos || text[end] != '\n') return std::nullopt;
    return end + 1;
}

// In lower case, continued lines made one.
std::string plain(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto next = text[at] == '\\' ? continued(text, at) : std::nullopt;
        if (!next) result += lower(text[at]);
        at = next.value_or(at + 1);
    }
    return result;
}

std::string times_and_size(const char* path) {
    struct stat status {};
    if (::stat(path, &status) != 0) return "none";
    std::string text;
    for (const auto number :
         {static_cast<std::int64_t>(status.st_ino), static_cast<std::int64_t>(status.st_size),
          static_cast<std::int64_t>(status.st_mtim.tv_sec),
          static_cast<std::int64_t>(status.st_mtim.tv_nsec),
          static_cast<std::int64_t>(status.st_ctim.tv_sec),
          static_cast<std::int64_t>(status.st_ctim.tv_nsec)})
        text += std::to_string(number) + ' ';
    return text;
}

}  // namespace

std::optional<CompileKey> compile_key(const Job& job, std::string_view toolchain,
                                      std::string_view machine) {
    if (!has_key(job)) return std::nullopt;
    Listing listing;
    for (const auto part : {form, toolchain, machine}) listing.add(part);
    listing.add(job.asker.key);
    const auto command = command_of(job, Stage::compile);
    for (const auto* list : {&command.argv, &command.environment, &command.layers})
        listing.add(*list);
    add_limits(listing, command.limits, job.total_time);
    const auto box = box_size(job);
    listing.add(box.bytes.count);
    listing.add(static_cast<std::uint64_t>(box.entries));
    listing.add(needs_shell(job, Stage::compile) ? script_text(*job.runtime->compile) : "");
    listing.add(needs_shell(job, Stage::run) ? script_text(job.runtime->run) : "");
    listing.add(job.files.size());
    for (const auto& file : job.files) {
        listing.add(file.name);
        listing.add(file.content);
        listing.add(file.is_code ? 1U : 0U);
    }
    return listing.digest();
}

bool looks_further(std::string_view text, const std::vector<std::string>& more_words) {
    const auto searched = plain(text);
    const auto is_in = [&](std::string_view word) { return searched.find(word) != searched.npos; };
    return std::ranges::any_of(words, is_in) ||
           std::ranges::any_of(more_words,
                               [&](const std::string& word) { return is_in(plain(word)); });
}

std::string toolchain_of(const Runtime& runtime) {
    if (runtime.layers) return "";  // they are in the command
    auto known = runtime.version + '\n' + runtime.program + ' ' +
                 times_and_size(runtime.program.c_str()) + '\n';
    for (const auto* path : changed_by_installing) known += times_and_size(path) + '\n';
    return known;
}

std::string machine_of(std::string_view cpuinfo) {
    const auto first = cpuinfo.substr(0, cpuinfo.find("\n\n"));
    std::string known;
    for (std::size_t begin = 0; begin < first.size();) {
        const auto end = std::min(first.find('\n', begin), first.size());
        const auto line = first.substr(begin, end - begin);
        for (const std::string_view word : {"model name", "flags", "Features", "CPU part"}) {
            if (line.starts_with(word)) known.append(line) += '\n';
        }
        begin = end + 1;
    }
    return known;
}

}  // namespace engine
