// The base addresses of the registries packages come from.
//
// This program knows none by itself: they are what the operator configured, or else what the
// machine's own clients would use, so that a mirror that was set up for those serves packages too.
// What clients say is taken apart by pure functions, below; Addresses asks them, at most once each
// and only when somebody needs the answer.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace packages {

// The settings packages.npm, packages.pypi, packages.maven and packages.go; empty: ask the client.
struct AddressSettings {
    std::string npm, pypi, maven, go;
};

// For one thread at a time. Every address is without a slash at its end.
//
// Each throws sys::Error: not_found if the client is missing or names no address, with the setting
// that would do instead; invalid if the configured one is none.
class Addresses {
public:
    explicit Addresses(AddressSettings settings) : settings_(std::move(settings)) {}

    const std::string& npm();
    const std::string& pypi();  // of the "simple" index (PEP 503)
    const std::string& maven();
    const std::string& go();

private:
    AddressSettings settings_;
    std::optional<std::string> npm_, pypi_, maven_, go_;
};

// The address without slashes at its end if it is one that files can be fetched from: https, http
// or file, without a query. Empty if not.
std::optional<std::string> base_address(std::string_view text);

// What `npm config get registry` says.
std::optional<std::string> parse_npm_registry(std::string_view output);

// What `pip config list` says: the environment outranks [install], which outranks [global].
std::optional<std::string> parse_pip_config(std::string_view output);

// What `go env GOPROXY` says: its first proxy; "off" ends the list.
std::optional<std::string> parse_go_proxies(std::string_view output);

}  // namespace packages
