#include "isolate/feed.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

Feed::Feed(sys::UniqueFd fd, InputKind kind, std::string_view text, Steering* steering)
    : fd_(std::move(fd)), kind_(kind), rest_(text), steering_(steering) {}

Feed::~Feed() {
    if (fd_) close();
}

void Feed::push() {
    while (fd_) {
        if (rest_.empty() && !fetch()) return;
        if (!rest_.empty() && !write_some()) return;
    }
}

// Takes what the steering has, or finds that the input has ended. False: there is nothing to write.
bool Feed::fetch() {
    if (ended_) {
        close();
        return false;
    }
    auto [bytes, ended] = steering_ ? steering_->take_input() : Steering::Input{.ended = true};
    taken_ = std::move(bytes);
    from_steering_ = true;
    ended_ = ended;
    if (ended && kind_ == InputKind::terminal) {
        // Behind an unfinished line the first one only ends that (man 3 termios, VEOF).
        const bool line_is_open = (taken_.empty() ? last_ : taken_.back()) != '\n';
        taken_.append(line_is_open ? 2 : 1, end_of_file_character(fd_));
    }
    rest_ = taken_;
    return ended_ || !rest_.empty();
}

// False: the program has to take what it has got first.
bool Feed::write_some() {
    const auto written =
        SYS_FAIL_POINT("feed.write", ::write(fd_.get(), rest_.data(), rest_.size()));
    if (written < 0 && errno == EINTR) return true;
    if (written == 0 || (written < 0 && errno == EAGAIN)) return false;
    // Half an input must not look like a whole one.
    const bool unwanted = errno == EPIPE || (kind_ == InputKind::terminal && errno == EIO);
    if (written < 0 && !unwanted) sys::fail("write the program's input");
    if (written < 0) {
        close();
        return true;
    }
    const auto count = static_cast<std::size_t>(written);
    last_ = rest_[count - 1];
    rest_.remove_prefix(count);
    if (from_steering_ && steering_) steering_->report_written(count);
    return true;
}

void Feed::close() {
    fd_.reset();
    rest_ = {};
    if (steering_) steering_->close_input();
}

}  // namespace isolate
