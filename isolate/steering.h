// What is asked of a job while it runs: more input, its end, signals, another window size, to hold
// its output.
//
// One per job, made by whoever talks to the client, used by the thread that runs the job; every
// function may be called from any thread, before, during and after the stages. What is asked waits
// here until the job's thread, woken by an eventfd, fetches it. Input waits for the run stage;
// signals and the hold concern whichever stage runs, or the next one. What nobody fetches any more
// goes with the object.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "config/units.h"
#include "isolate/sys/fd.h"
#include "isolate/terminal.h"

namespace isolate {

class Steering {
public:
    // `room`: how much input may wait. `on_room` is called on the job's thread, must be short and
    // not throw, when more than that had waited and at most half of it does still, or nobody
    // wants input any more. Throws sys::Error{broken} if there is no descriptor left.
    explicit Steering(config::Bytes room, std::function<void()> on_room = {});

    // Queues input. False: it was taken, but more than `room` waits now; stop until on_room. Once
    // the input has ended, or the program has closed its standard input, it is dropped and true.
    bool write(std::string bytes);

    // End of file after what was written; on a terminal the character that means it.
    void end_input();

    // For every process of the job; anything but 1 to 64 is ignored. Of one number, at most one
    // waits. It takes another way than input does: which of the two arrives first is open.
    void signal(int number);

    // Nothing if the job has no terminal.
    void resize(WindowSize size);

    // While held, the program's output is not read: it blocks when the pipe is full. Limits go on.
    void hold_output(bool held);

    // What follows is for supervise(), on the job's thread.

    struct Orders {
        std::vector<int> signals;        // in the order they were last asked for
        std::optional<WindowSize> size;  // the latest, if there ever was one
        bool hold_output = false;
    };

    // Readable when there are new orders, or input.
    const sys::UniqueFd& wake() const { return wake_; }
    Orders take_orders();

    // All the input that waits, moved out; it goes on counting as waiting until it is reported as
    // written. `ended`: nothing follows it.
    struct Input {
        std::string bytes;
        bool ended = false;
    };
    Input take_input();
    void report_written(std::size_t bytes);

    // Drops what waits and whatever may come.
    void close_input();

private:
    void wake_up() const;
    bool has_room_again();  // with the mutex held

    const config::Bytes room_;
    const std::function<void()> on_room_;
    sys::UniqueFd wake_;

    mutable std::mutex mutex_;  // of what follows
    std::string input_;
    std::size_t waiting_ = 0;  // bytes of input_ and of what was taken but not yet written
    bool full_ = false;        // write() said false and on_room was not called yet
    bool ended_ = false;
    bool closed_ = false;
    Orders orders_;
};

}  // namespace isolate
