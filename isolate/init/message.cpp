#include "isolate/init/message.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <utility>

#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

// A memfd that can still shrink would turn a read into SIGBUS, and one that can grow is not what
// was sent.
constexpr int required_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

bool Message::receive(const sys::UniqueFd& socket) {
    if (!packed_.empty()) return unpack();
    unmap();
    const auto length = sys::receive_message(socket, buffer_, fds_);
    if (length < static_cast<ssize_t>(sizeof head_)) return false;
    std::memcpy(&head_, buffer_, sizeof head_);
    rest_ =
        std::span{buffer_}.subspan(sizeof head_, static_cast<std::size_t>(length) - sizeof head_);
    if (!find_payload(rest_.size())) return false;
    if (head_.verb != Verb::orders) return true;
    packed_ = payload_;
    return unpack();
}

// The first that is not as it was announced is the last.
bool Message::unpack() {
    const auto packed = std::exchange(packed_, {});
    std::uint32_t length = 0;
    if (packed.size() < sizeof length) return false;
    std::memcpy(&length, packed.data(), sizeof length);
    const auto orders = packed.subspan(sizeof length);
    if (length < sizeof head_ || length > orders.size()) return false;
    std::memcpy(&head_, orders.data(), sizeof head_);
    rest_ = orders.subspan(sizeof head_, length - sizeof head_);
    // One level, and the descriptors of all are nobody's payload.
    if (head_.verb == Verb::orders || head_.payload_in_memfd != 0 || !find_payload(rest_.size()))
        return false;
    packed_ = orders.subspan(length);
    return true;
}

bool Message::find_payload(std::size_t length) {
    payload_ = {};
    if (head_.payload_bytes == 0) return true;
    if (head_.payload_bytes > max_payload) return false;
    if (head_.payload_in_memfd) return map_payload();
    if (head_.payload_bytes > length) return false;
    payload_ = rest_.last(head_.payload_bytes);
    rest_ = rest_.first(length - head_.payload_bytes);
    return true;
}

bool Message::map_payload() {
    if (fds_.count == 0) return false;
    const sys::UniqueFd memfd = fds_.take(fds_.count - 1);
    --fds_.count;  // the others are the message's own
    struct stat status {};
    const int seals = ::fcntl(memfd.get(), F_GET_SEALS);
    if (seals < 0 || (seals & required_seals) != required_seals ||
        ::fstat(memfd.get(), &status) != 0 ||
        status.st_size != static_cast<off_t>(head_.payload_bytes)) {
        return false;
    }
    if (SYS_FAIL_POINT("spawner.map_payload", 0) != 0) return false;
    void* mapping = ::mmap(nullptr, head_.payload_bytes, PROT_READ, MAP_PRIVATE, memfd.get(), 0);
    if (mapping == MAP_FAILED) return false;
    mapping_ = mapping;
    mapped_bytes_ = head_.payload_bytes;
    payload_ = {static_cast<const std::byte*>(mapping), mapped_bytes_};
    return true;
}

bool Message::take(std::span<std::byte> target) {
    if (rest_.size() != target.size()) return false;
    std::memcpy(target.data(), rest_.data(), target.size());
    return true;
}

void Message::unmap() {
    if (mapping_) ::munmap(mapping_, mapped_bytes_);
    mapping_ = nullptr;
}

}  // namespace isolate
