// From a package's source to the files to download: what each is called, where it is and what it
// must be.
//
// Names come from manifests, so they are checked by strict grammars before they become part of an
// address; nothing is fetched here but the small page on which a Python index lists a project's
// files. The content that is fetched later is believed only if it has the manifest's digest, so
// neither a registry nor whoever stands between can put other code into a package.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "packages/addresses.h"
#include "packages/package.h"

namespace packages {

// One file to download, and what is to become of it.
struct Artifact {
    std::string url;
    std::string digest;     // as in the manifest; parse_digest reads it
    std::string file_name;  // one path component: what to call the download
    std::string into;       // directory beneath the root, without a leading slash; empty: the root
    int strip = 0;          // leading path components to drop while unpacking
    bool unpack = true;     // else it is stored as `into`/`file_name`

    bool operator==(const Artifact&) const = default;
};

// Fetches a small text; throws sys::Error as it likes.
using FetchText = std::function<std::string(const std::string& url)>;

// The files of every kind of source but debian, whose packages apt resolves (debian.h). `addresses`
// is asked only for the registry in question. Throws sys::Error: invalid for a name, version or
// digest that is none, and for an index that states another digest than the manifest; not_found
// for a Python wheel that the index does not have, and where an address is missing.
std::vector<Artifact> artifacts_of(const Source& source, Addresses& addresses,
                                   const FetchText& fetch_text);

// A file on a page of a Python index.
struct IndexedFile {
    std::string name;
    std::string url;     // absolute
    std::string digest;  // "sha256:<hex>"; empty if the page does not state one

    bool operator==(const IndexedFile&) const = default;
};

// The project's page, in JSON (PEP 691) or else HTML (PEP 503); `url` is where it came from.
// Entries without a usable address are passed over. Throws sys::Error{invalid} for JSON that is no
// such page.
std::vector<IndexedFile> parse_project_page(std::string_view page, const std::string& url);

// `reference` as seen from `base` (RFC 3986, section 5.2), which is an absolute address.
std::string resolved_address(std::string_view base, std::string_view reference);

// A Python project's name as indexes spell it (PEP 503).
std::string normalized_project(std::string_view name);

// A module path or version as the Go proxy spells it: "!a" for "A".
std::string escaped_module(std::string_view text);

// Where a jar is, by "group:artifact:version" or "group:artifact:version:classifier". Throws
// sys::Error{invalid}.
std::string maven_address(const std::string& repository, const std::string& coordinates);

}  // namespace packages
