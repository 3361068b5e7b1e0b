// The box inside the container: one tmpfs with the job's directory, /tmp and /dev/shm in it.
#pragma once

#include <cstddef>
#include <span>

#include "isolate/protocol.h"
#include "isolate/sys/fd.h"

namespace isolate {

// At most one box is open at a time. The first fault of a box sticks: everything after it is
// answered with that fault until the box is closed.
class InnerBox {
public:
    // Mounts the tmpfs with its limits and makes the directories.
    void open(const OpenBox& order);

    // Writes one file; the payload is the name, then the content. What is for the job's directory
    // is created as the job's user beneath it, whatever the name says; a script beside it, as root.
    void place(const PlaceFile& order, std::span<const std::byte> payload);

    // Unmounts, detaching what is still in use. Returns 0 or an error number: EBUSY if something is
    // mounted there all the same.
    int close();

    bool is_open() const { return open_; }
    const Fault& fault() const { return fault_; }

private:
    bool made(long result, Step step);
    void write_submission(Place place, char* name, std::span<const std::byte> content);
    long write_file(Place place, const char* name, std::span<const std::byte> content);
    long write_link(char* name, std::span<const std::byte> target);

    bool open_ = false;
    bool has_links_ = false;  // through which a directory could be made elsewhere
    Fault fault_{};
    unsigned uid_ = 0;
    sys::UniqueFd home_;        // /box: of root, not writable by the job
    sys::UniqueFd submission_;  // /box/submission: the job's
};

}  // namespace isolate
