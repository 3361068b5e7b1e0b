#include "packages/fetch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/archive.h"
#include "packages/part_file.h"
#include "packages/transfer.h"

namespace packages {

namespace {

using Ending = Outcome::Ending;

[[noreturn]] void throw_stopped(const std::string& url) {
    throw sys::Error(sys::Kind::busy, "downloading " + shown_url(url) + " was canceled");
}

[[noreturn]] void throw_too_large(const std::string& url, std::uint64_t most) {
    throw sys::Error(sys::Kind::invalid, shown_url(url) + " has more than " + std::to_string(most) +
                                             " bytes, which is the limit");
}

void check_policy(const std::string& url, const FetchPolicy& policy) {
    if (const auto objection = objection_to(url, "", policy); !objection.empty())
        throw sys::Error(sys::Kind::invalid, shown_url(url) + " " + objection);
}

// Tries that are worth repeating, with longer and longer pauses between them.
class Retries {
public:
    Retries(const FetchPolicy& policy, const std::stop_token& stop)
        : left_(policy.retries), pause_(policy.retry_pause), stop_(stop) {}

    // False if there are none left. Returns early if stopped.
    bool again() {
        if (left_-- <= 0) return false;
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        never.wait_for(lock, stop_, pause_, [] { return false; });
        pause_ *= 2;
        return true;
    }

private:
    int left_;
    std::chrono::milliseconds pause_;
    const std::stop_token& stop_;
};

// A regular file of this machine, opened without waiting for a pipe's other end. Gives its pieces
// to `take`.
template <typename Take>
void read_local(const std::string& url, const std::string& path, const std::stop_token& stop,
                Take take) {
    const auto file = sys::try_open(path, O_RDONLY | O_NONBLOCK);
    if (!file) {
        const auto kind = errno == ENOENT ? sys::Kind::not_found : sys::Kind::broken;
        throw sys::Error(kind, shown_url(url) + ": " + sys::describe(errno));
    }
    struct stat status = {};
    if (::fstat(file.get(), &status) != 0) sys::fail("look at " + shown_url(url));
    if (!S_ISREG(status.st_mode))
        throw sys::Error(sys::Kind::invalid, shown_url(url) + " is no plain file");
    const auto total = static_cast<std::uint64_t>(status.st_size);
    auto buffer = std::vector<char>(256 * 1024);
    for (;;) {
        if (stop.stop_requested()) throw_stopped(url);
        const auto length = ::read(file.get(), buffer.data(), buffer.size());
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) sys::fail("read " + shown_url(url));
        if (length == 0) return;
        take(std::string_view{buffer.data(), static_cast<std::size_t>(length)}, total);
    }
}

// One download, from the first try to the last.
class Fetching {
public:
    Fetching(const Download& download, const FetchPolicy& policy, const DownloadProgress& progress,
             const std::stop_token& stop)
        : download_(download),
          policy_(policy),
          progress_(progress),
          stop_(stop),
          part_(download.target, download.url) {}

    void run();

private:
    void copy(const std::string& path);
    void try_until_complete();
    Outcome attempt();
    bool begin(const AnswerHead& head);
    bool take(std::string_view bytes);
    void tell() const;
    void start_over();
    std::optional<Digest> differing_digest();
    [[noreturn]] void give_up_because_denied();

    const Download& download_;
    const FetchPolicy& policy_;
    const DownloadProgress& progress_;
    const std::stop_token& stop_;
    PartFile part_;
    std::uint64_t total_ = 0;   // as announced; 0: unknown
    std::uint64_t offset_ = 0;  // the attempt asked for what comes from here on
    bool resumed_ = false;      // some of the bytes are of an earlier attempt
    bool too_large_ = false, changed_ = false;
    int error_ = 0;  // of writing
};

void Fetching::tell() const {
    if (progress_) progress_(part_.size(), total_);
}

// Called from within libcurl, as is take(): no exceptions. What went wrong is remembered.
bool Fetching::begin(const AnswerHead& head) {
    const auto total = head.total.value_or(0);
    too_large_ = total > download_.most_bytes;
    // A server may mind the range and not the condition.
    changed_ = head.partial &&
               (head.first != offset_ || (!head.validator.empty() && !part_.validator().empty() &&
                                          head.validator != part_.validator()));
    if (too_large_ || changed_) return false;
    total_ = total;
    resumed_ = head.partial && offset_ > 0;
    const bool ready = (head.partial || part_.empty()) && part_.note_validator(head.validator);
    if (!ready) error_ = errno;
    return ready;
}

bool Fetching::take(std::string_view bytes) {
    too_large_ = bytes.size() > download_.most_bytes - part_.size();
    if (too_large_) return false;
    if (part_.append(bytes)) return true;
    error_ = errno;
    return false;
}

void Fetching::start_over() {
    if (!part_.empty()) sys::fail("empty " + download_.target + ".part");
    resumed_ = false;
}

Outcome Fetching::attempt() {
    // Bytes that nothing ties to the file: no validator to ask the server, no digest to tell.
    const bool tied_by_digest =
        download_.digest && download_.digest->algorithm != Digest::Algorithm::go_h1;
    const bool resumable = tied_by_digest || !part_.validator().empty();
    if (part_.size() > 0 && (!resumable || part_.size() > download_.most_bytes)) start_over();
    offset_ = part_.size();
    too_large_ = changed_ = false;
    auto outcome = transfer({download_.url, offset_, part_.validator()}, policy_,
                            {.begin = [this](const AnswerHead& head) { return begin(head); },
                             .take = [this](std::string_view bytes) { return take(bytes); },
                             .tick = [this] { tell(); }},
                            stop_);
    if (outcome.ending == Ending::receiver_denied && changed_)
        return {Ending::no_such_range, sys::Kind::broken,
                shown_url(download_.url) + ": the server sent another part than was asked for"};
    if (outcome.ending == Ending::complete && total_ > 0 && part_.size() != total_)
        return {Ending::try_again, sys::Kind::broken,
                shown_url(download_.url) + ": the server sent another length than it announced"};
    return outcome;
}

void Fetching::give_up_because_denied() {
    part_.discard();
    if (too_large_) throw_too_large(download_.url, download_.most_bytes);
    sys::fail("write " + download_.target + ".part", error_);
}

void Fetching::try_until_complete() {
    auto retries = Retries(policy_, stop_);
    bool started_over = false;
    for (;;) {
        auto outcome = attempt();
        if (stop_.stop_requested()) throw_stopped(download_.url);
        if (outcome.ending == Ending::complete) {
            // What was resumed may be two files in one.
            if (!resumed_ || !differing_digest()) return;
            start_over();
            continue;
        }
        if (outcome.ending == Ending::receiver_denied) give_up_because_denied();
        if (outcome.ending == Ending::no_such_range && !started_over) {
            started_over = true;
            start_over();
            continue;
        }
        if (outcome.ending == Ending::try_again && retries.again()) continue;
        throw sys::Error(outcome.kind, "cannot download " + outcome.why);
    }
}

void Fetching::copy(const std::string& path) {
    start_over();
    read_local(download_.url, path, stop_, [this](std::string_view bytes, std::uint64_t total) {
        total_ = total;
        if (!take(bytes)) give_up_because_denied();
        tell();
    });
}

// The digest that was found instead of the expected one; empty if it is that.
std::optional<Digest> Fetching::differing_digest() {
    if (!download_.digest) return {};
    const auto& expected = *download_.digest;
    part_.keep_nothing(true);  // what is no zip at all has no h1 digest, which throws
    const auto found = expected.algorithm == Digest::Algorithm::go_h1
                           ? go_hash(part_.file(), ArchiveLimits{}, stop_)
                           : digest_of_file(part_.file(), expected.algorithm);
    part_.keep_nothing(false);
    return found == expected ? std::nullopt : std::optional{found};
}

void Fetching::run() {
    if (const auto path = path_of_file_url(download_.url)) {
        copy(*path);
    } else {
        try_until_complete();
    }
    if (const auto found = differing_digest()) {
        part_.discard();
        throw DigestError(shown_url(download_.url), *download_.digest, *found);
    }
    part_.publish();
    tell();
}

}  // namespace

void fetch(const Download& download, const FetchPolicy& policy, const DownloadProgress& progress,
           std::stop_token stop) {
    check_policy(download.url, policy);
    Fetching(download, policy, progress, stop).run();
}

std::string fetch_text(const std::string& url, const FetchPolicy& policy, std::uint64_t most_bytes,
                       std::stop_token stop) {
    check_policy(url, policy);
    std::string text;
    const auto take = [&](std::string_view bytes) {
        const bool fits = bytes.size() <= most_bytes - text.size();
        if (fits) text += bytes;
        return fits;
    };
    if (const auto path = path_of_file_url(url)) {
        read_local(url, *path, stop, [&](std::string_view bytes, std::uint64_t) {
            if (!take(bytes)) throw_too_large(url, most_bytes);
        });
        return text;
    }
    const auto begin = [&](const AnswerHead& head) {
        text.clear();
        return !head.partial && head.total.value_or(0) <= most_bytes;
    };
    for (auto retries = Retries(policy, stop);;) {
        const auto outcome =
            transfer({url}, policy, {.begin = begin, .take = take, .tick = [] {}}, stop);
        if (stop.stop_requested()) throw_stopped(url);
        if (outcome.ending == Ending::complete) return text;
        if (outcome.ending == Ending::receiver_denied) throw_too_large(url, most_bytes);
        if (outcome.ending == Ending::try_again && retries.again()) continue;
        throw sys::Error(outcome.kind, "cannot download " + outcome.why);
    }
}

}  // namespace packages
