// What the parts of the posture probe share: how a line is said, and what there is to say.
//
// The probe is a static program without any library of ours: it runs in every root and sees the
// kernel's own answers. Each line is "KEY VALUE"; the key has no space in it.
#pragma once

#include <string>

namespace posture {

// Where the probe runs. Outside it looks at much less: opening what root may open can have
// consequences (a watchdog, a trace pipe), and root may write everywhere.
enum class Place { box, outside };

// Writes one line to standard output; control characters become '?', spaces in the key '_'.
void say(const std::string& key, const std::string& value);

// "EPERM", or "ok" for 0.
std::string name_of_error(int error);

// The contents of a file, empty if it cannot be read.
std::string contents(const std::string& path);

// A file's words, with one space between them.
std::string line_of(const std::string& path);

// This process and what it has: ids, capabilities, limits, signals, descriptors, environment.
void tell_process();

// The namespaces it is in and what these show: mounts, processes, interfaces, IPC objects, cgroups.
void tell_surroundings(Place place);

// Every file it can reach: what can be written, entered, misused; what /proc and /sys give to read.
void tell_files(Place place);

}  // namespace posture
