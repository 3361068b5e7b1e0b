#include "isolate/messages.h"

#include <algorithm>

namespace isolate {

namespace {

// A head and what is behind it. Nothing if the message is shorter than a head or has a payload.
struct Parts {
    Head head;
    std::span<const std::byte> body;
};

std::optional<Parts> split(std::span<const std::byte> message) {
    Parts parts{};
    if (message.size() < sizeof parts.head) return {};
    std::memcpy(&parts.head, message.data(), sizeof parts.head);
    if (parts.head.payload_bytes != 0 || parts.head.payload_in_memfd != 0) return {};
    parts.body = message.subspan(sizeof parts.head);
    return parts;
}

template <typename Body>
std::optional<Body> read_body(std::span<const std::byte> bytes) {
    Body body{};
    if (bytes.size() != sizeof body) return {};
    std::memcpy(&body, bytes.data(), sizeof body);
    return body;
}

}  // namespace

std::optional<KeeperOrder> read_order(std::span<const std::byte> message) {
    const auto parts = split(message);
    if (!parts) return {};
    const auto runner = read_body<RunnerNumber>(parts->body);
    const bool known =
        parts->head.verb == Verb::start_runner || parts->head.verb == Verb::stop_runner;
    if (!runner || !known || runner->index >= max_runners) return {};
    return KeeperOrder{parts->head.verb, parts->head.serial, runner->index};
}

std::optional<std::variant<StartedNews, EndedNews>> read_news(std::span<const std::byte> message) {
    const auto parts = split(message);
    if (!parts) return {};
    if (parts->head.verb == Verb::runner_started) {
        const auto started = read_body<RunnerStarted>(parts->body);
        if (!started || started->index >= max_runners) return {};
        const auto version = started->cgroup_version;
        if (version != CgroupVersion::v1 && version != CgroupVersion::v2) return {};
        return StartedNews{parts->head.serial, *started};
    }
    if (parts->head.verb != Verb::runner_ended) return {};
    const auto ended = read_body<RunnerEnded>(parts->body);
    if (!ended || ended->index >= max_runners) return {};
    return EndedNews{ended->index, ended->error,
                     std::string{ended->reason, ::strnlen(ended->reason, sizeof ended->reason)}};
}

std::optional<Answer> read_answer(std::span<const std::byte> message) {
    const auto parts = split(message);
    Answer answer;
    if (!parts || parts->body.size() > sizeof answer.body) return {};
    answer.verb = parts->head.verb;
    answer.body_bytes = parts->body.size();
    std::ranges::copy(parts->body, answer.body);
    return answer;
}

}  // namespace isolate
