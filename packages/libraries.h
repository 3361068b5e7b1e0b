// Libraries that are added to a runtime: `install python --with numpy,requests==2.31`.
//
// Names become arguments of the registries' own clients, which resolve what a library needs; they
// are checked by strict grammars first, and the clients are told to run no code of a library and to
// write to one directory only. These functions say what to run and read what came of it; running is
// run_client, and where the files go from there is the installer's business.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "packages/addresses.h"
#include "packages/artifact.h"
#include "packages/package.h"
#include "packages/record.h"
#include "packages/tool.h"

namespace packages {

// A library as it was asked for.
struct Library {
    std::string name;
    std::string version;  // empty: the newest

    bool operator==(const Library&) const = default;
};

// "name", by kind also "name==1.2" (pypi), "name@1.2.3" (npm), "group:artifact:1.2" (maven, always
// with a version). Throws sys::Error{invalid} naming what is wrong.
Library parse_library(Source::Kind kind, const std::string& text);

// The Debian packages of libraries: their names put into the pattern, lower-case as Debian's are.
// Throws sys::Error{invalid}.
std::vector<std::string> debian_libraries(const Libraries& libraries,
                                          const std::vector<std::string>& names);

// Where a client puts libraries, and for what.
struct LibraryTarget {
    std::string directory;       // exists; everything the client writes to stay goes there
    std::string cache;           // exists; may be shared and kept
    std::string python_version;  // "3.11", of the runtime; only for pypi
};

// pip, for wheels alone: no library's code runs, and none is compiled. Its report is
// <cache>/report.json. Throws sys::Error: invalid for a name, not_found without a python3 that has
// pip or without a registry.
ToolCommand pip_command(const std::vector<std::string>& names, const LibraryTarget& target,
                        Addresses& addresses);

// npm, without the packages' scripts; they end up in <directory>/node_modules. Throws as above.
ToolCommand npm_command(const std::vector<std::string>& names, const LibraryTarget& target,
                        Addresses& addresses);

// The jars, each alone: what it depends on has to be named as well. The digest is the one that the
// repository publishes beside the jar, so it proves the transport, not the origin. Throws as
// artifacts_of does.
std::vector<Artifact> maven_libraries(const std::vector<std::string>& coordinates,
                                      const std::string& into, Addresses& addresses,
                                      const FetchText& fetch_text);

// Runs one of the commands. Throws sys::Error: broken with the client's last words, busy if `stop`
// was requested.
void run_client(const ToolCommand& command, std::stop_token stop);

// What was installed: from pip's report (report.json), and from npm's
// node_modules/.package-lock.json. By name. Throws sys::Error{invalid} if the text is not that.
std::vector<Part> parse_pip_report(std::string_view text);
std::vector<Part> parse_npm_lock(std::string_view text);

}  // namespace packages
