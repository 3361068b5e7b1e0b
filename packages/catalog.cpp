#include "packages/catalog.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
constexpr std::string_view own_architecture = "amd64";
#elif defined(__aarch64__)
constexpr std::string_view own_architecture = "arm64";
#else
#error "no name for this architecture"
#endif

bool is_for_us(const Source& source) {
    return source.architecture.empty() || source.architecture == own_architecture;
}

const char* name_of(Source::Kind kind) {
    switch (kind) {
        case Source::Kind::debian:
            return "debian";
        case Source::Kind::npm:
            return "npm";
        case Source::Kind::pypi:
            return "pypi";
        case Source::Kind::maven:
            return "maven";
        case Source::Kind::go:
            return "go";
        case Source::Kind::url:
            return "url";
    }
    __builtin_unreachable();
}

// Where most of it comes from: the first source, but for a package that only takes tools from
// Debian.
std::string source_of(const Package& package) {
    const auto own = std::ranges::find_if(
        package.sources, [](const Source& source) { return source.kind != Source::Kind::debian; });
    if (own != package.sources.end()) return name_of(own->kind);
    return package.sources.empty() ? "recipe" : "debian";
}

}  // namespace

std::optional<Offer> offer_of(Package package) {
    const bool had_sources = !package.sources.empty();
    std::erase_if(package.sources, [](const Source& source) { return !is_for_us(source); });
    if (had_sources && package.sources.empty()) return std::nullopt;
    Offer offer{.name = package.name,
                .version = package.version,
                .summary = package.summary,
                .source = source_of(package)};
    for (const auto& provided : package.provides) offer.languages.push_back(provided.language);
    offer.package = std::move(package);
    return offer;
}

namespace {

// Empty for the recipe of a toolchain, and for a file that is wrong: one bad recipe of an
// operator's must not hide all others.
std::optional<Offer> understand_offer(const std::string& text, const std::string& file) try {
    if (!is_package(text, file)) return std::nullopt;
    return offer_of(parse_package(text, file));
} catch (const sys::Error& error) {
    sys::log(sys::Level::error, "recipe_unusable", {{"error", error.what()}});
    return std::nullopt;
}

// A file that is not ours to read counts as wrong. For want of memory or descriptors it is the
// engine that cannot read, and "there is no such package" would be a lie.
std::optional<Offer> read_offer(const std::string& file) {
    if (const auto text = sys::try_read_file(file)) return understand_offer(*text, file);
    if (errno != ENOENT && errno != EACCES) sys::fail("read " + file);
    sys::log(sys::Level::error, "recipe_unusable",
             {{"file", file}, {"error", sys::describe(errno)}});
    return std::nullopt;
}

}  // namespace

std::vector<Offer> load_offers(const std::vector<std::string>& recipe_directories) try {
    std::vector<fs::path> files;
    for (const auto& directory : recipe_directories) {
        for (const auto& entry : fs::recursive_directory_iterator{directory}) {
            if (entry.path().extension() == ".toml") files.push_back(entry.path());
        }
    }
    std::vector<Offer> offers;
    for (const auto& file : files) {
        if (auto offer = read_offer(file.string())) offers.push_back(std::move(*offer));
    }
    std::ranges::sort(offers, [](const Offer& left, const Offer& right) {
        return std::tie(left.name, left.version) < std::tie(right.name, right.version);
    });
    return offers;
} catch (const fs::filesystem_error& error) {
    throw sys::Error(sys::Kind::broken, std::string{"read the recipes: "} + error.what());
}

}  // namespace packages
