#include "api/http/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace http {

namespace {

constexpr int zlib_window = 15;
constexpr int gzip_window = 15 + 16;  // zlib.h: 16 more asks for the gzip format

class Stream {
public:
    explicit Stream(Coding coding) {
        const auto window = coding == Coding::gzip ? gzip_window : zlib_window;
        if (::inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc{};
    }
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() { ::inflateEnd(&stream_); }

    z_stream* operator->() { return &stream_; }
    z_stream* get() { return &stream_; }

private:
    z_stream stream_{};
};

}  // namespace

Inflation inflate(Coding coding, std::string_view from, std::uint64_t limit, std::string& to) {
    to.clear();
    if (from.size() > std::numeric_limits<uInt>::max()) return Inflation::too_large;
    auto stream = Stream(coding);
    // zlib's interface is not const-correct; it does not write to its input.
    stream->next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from.data()));
    stream->avail_in = static_cast<uInt>(from.size());

    auto piece = std::array<char, std::size_t{32} << 10>{};
    while (true) {
        stream->next_out = reinterpret_cast<Bytef*>(piece.data());  // bytes are bytes
        stream->avail_out = static_cast<uInt>(piece.size());
        const auto result = ::inflate(stream.get(), Z_NO_FLUSH);
        if (result != Z_OK && result != Z_STREAM_END) return Inflation::malformed;
        const auto made = piece.size() - stream->avail_out;
        if (made > limit - to.size()) return Inflation::too_large;
        to.append(piece.data(), made);
        if (result == Z_OK) continue;
        if (stream->avail_in == 0) return Inflation::complete;
        if (coding != Coding::gzip) return Inflation::malformed;
        ::inflateReset(stream.get());
    }
}

}  // namespace http
