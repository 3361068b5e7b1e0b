#include "api/cli/run/event_stream.h"

#include <utility>

#include "isolate/sys/error.h"

namespace cli {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

std::vector<Event> EventStream::feed(std::string_view bytes) {
    std::vector<Event> events;
    while (!bytes.empty()) {
        if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
            bytes.remove_prefix(1);
            continue;
        }
        const auto end = bytes.find_first_of("\r\n");
        line_ += bytes.substr(0, end);
        if (line_.size() + event_.data.size() > most_bytes_)
            throw sys::Error(sys::Kind::broken, "the engine's stream holds an event of more than " +
                                                    std::to_string(most_bytes_) + " bytes");
        if (end == std::string_view::npos) break;
        after_cr_ = bytes[end] == '\r';
        bytes.remove_prefix(end + 1);
        take_line(events);
        line_.clear();
    }
    return events;
}

void EventStream::take_line(std::vector<Event>& events) {
    std::string_view line = line_;
    if (std::exchange(at_start_, false) && line.starts_with(byte_order_mark))
        line.remove_prefix(byte_order_mark.size());
    if (line.empty()) {
        if (event_.name.empty()) event_.name = "message";
        if (has_data_) events.push_back(std::move(event_));
        event_ = {};
        has_data_ = false;
        return;
    }
    const auto colon = line.find(':');
    const auto field = line.substr(0, colon);  // empty: a comment, which keeps the line alive
    auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "event") event_.name = value;
    if (field != "data") return;
    if (std::exchange(has_data_, true)) event_.data += '\n';
    event_.data += value;
}

}  // namespace cli
