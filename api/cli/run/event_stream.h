// Server-sent events (the HTML standard, "Interpreting an event stream") out of bytes as they
// arrive. Sans I/O: however the bytes are cut, the same events come out. Ids and times to reconnect
// mean nothing to a run, which cannot be resumed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct Event {
    std::string name;  // "message" if the stream names none
    std::string data;  // its lines, joined by newlines

    bool operator==(const Event&) const = default;
};

class EventStream {
public:
    // An event may have that many bytes; whoever sends more is no engine of ours.
    explicit EventStream(std::size_t most_bytes = 64U << 20U) : most_bytes_(most_bytes) {}

    // The events that these bytes complete. One without data is none, and what follows the last
    // empty line waits for more. Throws sys::Error{broken} if an event is too large.
    std::vector<Event> feed(std::string_view bytes);

private:
    void take_line(std::vector<Event>& events);

    std::size_t most_bytes_;
    std::string line_;
    Event event_;
    bool has_data_ = false;
    bool at_start_ = true;   // a byte order mark may stand here
    bool after_cr_ = false;  // a newline now belongs to the line before
};

}  // namespace cli
