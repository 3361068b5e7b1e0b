// ^C and SIGTERM as a stop token. The first asks for a clean end; the second has its usual effect,
// which is safe as well: until a package's record is written nothing has happened.
#pragma once

#include <stop_token>
#include <thread>

#include "isolate/sys/fd.h"

namespace cli {

// At most one at a time: handlers of signals belong to the process.
class Interrupt {
public:
    // Starts a thread: privileges are given up before. Throws sys::Error.
    Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;
    ~Interrupt();

    std::stop_token token() const { return source_.get_token(); }

    // The signal that came, 0 if none did. Also after this value has gone.
    static int signal();

private:
    sys::UniqueFd wake_;
    std::stop_source source_;
    std::thread thread_;
};

}  // namespace cli
