// A Unix socket to listen on, beside the address or in its place.
#pragma once

#include <sys/types.h>

#include <string>

#include "isolate/sys/fd.h"

namespace http {

// Who may connect: the owner, and by `mode` the group.
struct SocketAccess {
    uid_t owner = 0;
    gid_t group = 0;
    mode_t mode = 0660;
};

// Listens there; the directory is made if it is missing. What is left of an engine that has ended
// is replaced; a socket that somebody listens on, and what is no socket, is not: Error{invalid}.
// Before there is a second thread, and while whoever owns the directory.
sys::UniqueFd listen_on_path(const std::string& path, const SocketAccess& access);

// Removes a socket that nobody listens on any more; leaves everything else. Never throws.
void remove_dead_socket(const std::string& path);

// The user at the other end of a connection over a Unix socket as the name of a client, "uid:1000"
// (man 7 unix, SO_PEERCRED); empty for any other connection.
std::string socket_client_of(int fd);

}  // namespace http
