// What goes to a program's standard input: the text of its job, then what its steering brings.
//
// Owns our end of the pipe, or a descriptor of the terminal's master, and closes it at the end of
// the input, or when the program does not take any more: what comes later is dropped.
#pragma once

#include <string>
#include <string_view>

#include "isolate/steering.h"
#include "isolate/sys/fd.h"

namespace isolate {

enum class InputKind { pipe, terminal };

class Feed {
public:
    // `text` must outlive the feed; so must `steering`, null if nothing follows the text.
    Feed(sys::UniqueFd fd, InputKind kind, std::string_view text, Steering* steering);
    // Nobody takes input any more, which whoever steers is told.
    ~Feed();

    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    // Writes what there is without blocking.
    void push();

    // To be polled for POLLOUT; -1 while there is nothing to write.
    int waiting_fd() const { return rest_.empty() ? -1 : fd_.get(); }

private:
    bool fetch();
    bool write_some();
    void close();

    sys::UniqueFd fd_;
    const InputKind kind_;
    std::string_view rest_;  // of the text, or of taken_
    Steering* const steering_;
    std::string taken_;           // from the steering
    bool from_steering_ = false;  // rest_ lies in taken_
    bool ended_ = false;          // nothing follows rest_
    char last_ = '\n';            // that was written
};

}  // namespace isolate
