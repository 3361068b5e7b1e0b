// Installed packages as one file, to be installed where there is no network: records and layers in
// a tar. Everything in it is checked like a download: layers must have the digests of their
// records.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "packages/installer.h"
#include "packages/record.h"
#include "packages/store.h"
#include "packages/version.h"

namespace packages {

// The newest of that name in the range, and everything it depends on. Throws sys::Error{not_found}.
std::vector<Record> with_dependencies(const std::vector<Record>& records, const std::string& name,
                                      const Range& range);

// Writes the file, replacing it only when it is complete. Throws sys::Error.
void write_bundle(const Store& store, const std::vector<Record>& records, const std::string& file,
                  const ProgressSink& progress, std::stop_token stop);

// Installs what the file holds; returns its records. Throws sys::Error{invalid} for a file that is
// not one or whose layers are not what their records say.
std::vector<Record> read_bundle(const Store& store, const Transaction& transaction,
                                const std::string& file);

}  // namespace packages
