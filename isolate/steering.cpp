#include "isolate/steering.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "isolate/protocol.h"
#include "isolate/sys/error.h"

namespace isolate {

Steering::Steering(config::Bytes room, std::function<void()> on_room)
    : room_(room), on_room_(std::move(on_room)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) sys::fail("eventfd");
}

bool Steering::write(std::string bytes) {
    {
        const std::lock_guard lock{mutex_};
        if (ended_ || closed_) return true;
        waiting_ += bytes.size();
        full_ = full_ || waiting_ > room_.count;
        if (input_.empty()) {
            input_ = std::move(bytes);
        } else {
            input_ += bytes;
        }
        if (full_) {
            wake_up();
            return false;
        }
    }
    wake_up();
    return true;
}

void Steering::end_input() {
    {
        const std::lock_guard lock{mutex_};
        ended_ = true;
    }
    wake_up();
}

void Steering::signal(int number) {
    if (!is_signal(number)) return;
    {
        const std::lock_guard lock{mutex_};
        std::erase(orders_.signals, number);
        orders_.signals.push_back(number);
    }
    wake_up();
}

void Steering::resize(WindowSize size) {
    {
        const std::lock_guard lock{mutex_};
        orders_.size = size;
    }
    wake_up();
}

void Steering::hold_output(bool held) {
    {
        const std::lock_guard lock{mutex_};
        orders_.hold_output = held;
    }
    wake_up();
}

Steering::Orders Steering::take_orders() {
    // Before the orders are looked at: what is asked for after that wakes again.
    std::uint64_t count = 0;
    [[maybe_unused]] const auto emptied = ::read(wake_.get(), &count, sizeof count);
    const std::lock_guard lock{mutex_};
    Orders orders = orders_;
    orders_.signals.clear();
    return orders;
}

Steering::Input Steering::take_input() {
    const std::lock_guard lock{mutex_};
    return {.bytes = std::exchange(input_, {}), .ended = ended_};
}

void Steering::report_written(std::size_t bytes) {
    {
        const std::lock_guard lock{mutex_};
        waiting_ -= std::min(bytes, waiting_);
        if (!has_room_again()) return;
    }
    if (on_room_) on_room_();
}

void Steering::close_input() {
    {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        input_ = {};
        waiting_ = 0;
        if (!has_room_again()) return;
    }
    if (on_room_) on_room_();
}

bool Steering::has_room_again() {
    return waiting_ <= room_.count / 2 && std::exchange(full_, false);
}

void Steering::wake_up() const {
    const std::uint64_t one = 1;
    // The counter being full means that the job's thread is awake.
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

}  // namespace isolate
