// Several orders in one message: the spawner takes them one by one, and only if all is as it was
// announced.
#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "isolate/init/message.h"
#include "isolate/protocol.h"
#include "isolate/sys/socket.h"

using isolate::Head;
using isolate::Message;
using isolate::OpenBox;
using isolate::PlaceFile;
using isolate::Verb;

namespace {

using Bytes = std::vector<std::byte>;

void add(Bytes& bytes, std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

template <typename Body>
Bytes order(Verb verb, const Body& body, const std::string& payload = {}) {
    const Head head{verb, 0, static_cast<std::uint32_t>(payload.size()), 0};
    Bytes bytes;
    add(bytes, sys::bytes_of(head));
    add(bytes, sys::bytes_of(body));
    add(bytes, std::as_bytes(std::span{payload}));
    return bytes;
}

Bytes packed(const std::vector<Bytes>& orders) {
    Bytes bytes;
    for (const auto& one : orders) {
        const auto length = static_cast<std::uint32_t>(one.size());
        add(bytes, sys::bytes_of(length));
        add(bytes, one);
    }
    return bytes;
}

// A spawner's end of a socket on which such a message has arrived, with one descriptor.
struct Arrived {
    explicit Arrived(const Bytes& payload) {
        auto pair = sys::socket_pair();
        ours = std::move(pair.ours);
        theirs = std::move(pair.theirs);
        const Head head{Verb::orders, 0, static_cast<std::uint32_t>(payload.size()), 0};
        const std::span<const std::byte> pieces[] = {sys::bytes_of(head), payload};
        const int fd = ours.get();
        REQUIRE(sys::send_message(ours, pieces, std::span{&fd, 1}) == 0);
    }
    bool receive() { return message->receive(theirs); }

    sys::UniqueFd ours, theirs;
    std::unique_ptr<Message> message = std::make_unique<Message>();  // too large for a stack
};

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

const OpenBox box{.uid = 7, .entries = 8, .bytes = 9};
const PlaceFile file{.place = isolate::Place::submission, .name_bytes = 1};

}  // namespace

TEST_CASE("orders of one message are received one by one, with the descriptors of all") {
    Arrived arrived{packed({order(Verb::open_box, box), order(Verb::place_file, file, "atext"),
                            order(Verb::place_file, file, "b")})};
    REQUIRE(arrived.receive());
    CHECK(arrived.message->head().verb == Verb::open_box);
    OpenBox heard{};
    REQUIRE(arrived.message->read_body(heard));
    CHECK(heard.bytes == 9);
    CHECK(arrived.message->payload().empty());
    REQUIRE(arrived.receive());
    PlaceFile placed{};
    REQUIRE(arrived.message->read_body(placed));
    CHECK(text_of(arrived.message->payload()) == "atext");
    REQUIRE(arrived.receive());
    CHECK(text_of(arrived.message->payload()) == "b");
    CHECK(arrived.message->fds().count == 1);
    // Nothing is left of it: what comes next is the next message, or the end.
    arrived.ours.reset();
    CHECK_FALSE(arrived.receive());
}

TEST_CASE("orders that are not as announced end the conversation") {
    const auto whole = packed({order(Verb::open_box, box)});
    struct Row {
        const char* name;
        Bytes payload;
    };
    auto longer = whole;
    longer[0] = std::byte{200};
    auto shorter = whole;
    shorter[0] = std::byte{3};
    const auto with_head = [](const Head& head) {
        auto bytes = order(Verb::place_file, file);
        std::memcpy(bytes.data(), &head, sizeof head);
        return bytes;
    };
    const auto nested = order(Verb::orders, std::uint32_t{0});
    const Row rows[] = {
        {"none", {}},
        {"half a length", Bytes(3)},
        {"longer than the message", longer},
        {"shorter than a head", shorter},
        {"a payload beyond the order", packed({with_head({Verb::place_file, 0, 9, 0})})},
        {"a payload somewhere else", packed({with_head({Verb::place_file, 0, 5, 1})})},
        {"orders among orders", packed({nested})},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Arrived arrived{row.payload};
        CHECK_FALSE(arrived.receive());
    }
}
