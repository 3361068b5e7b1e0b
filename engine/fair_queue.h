// What waits, in turns: of each client the oldest, one client after the other.
//
// However much one client has waiting, another one's first item is behind at most one of it. A
// client comes at the end of the round when it has something to wait with, and again each time one
// of its items was taken. Clients may have a most that runs at once; one that has reached it is
// passed over until something of it has ended. Plain data: no clock, no thread, no limit on size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "engine/client.h"

namespace engine {

template <typename Item>
class FairQueue {
public:
    struct Share {
        std::size_t items = 0;
        std::uint64_t bytes = 0;
    };

    // `most_running` is the client's from now on; 0: any number.
    void push(const Client& client, std::uint64_t bytes, int most_running, Item item) {
        const auto line = lines_.try_emplace(client).first;
        line->second.most_running = most_running;
        line->second.waiting.push_back({bytes, std::move(item)});
        add(line->second.share, bytes);
        add(all_, bytes);
        enter_round(line);
    }

    // True if take() would give something.
    bool has_turn() const { return !round_.empty(); }

    // Whether the client would have to wait with one more, however many may run at once.
    bool is_full(const Client& client, int most_running) const {
        const auto line = lines_.find(client);
        return most_running > 0 && line != lines_.end() && line->second.running >= most_running;
    }

    // The item whose turn it is; its client runs one more until ended(). Empty if all have to wait.
    std::optional<std::pair<Client, Item>> take() {
        if (round_.empty()) return std::nullopt;
        const auto line = round_.front();
        round_.pop_front();
        line->second.in_round = false;
        auto next = std::move(line->second.waiting.front());
        line->second.waiting.pop_front();
        forget(line->second.share, next.bytes);
        forget(all_, next.bytes);
        ++line->second.running;
        enter_round(line);
        return std::pair{line->first, std::move(next.item)};
    }

    // One of the client's items that were taken is done.
    void ended(const Client& client) {
        const auto line = lines_.find(client);
        --line->second.running;
        if (line->second.running == 0 && line->second.waiting.empty())
            lines_.erase(line);
        else
            enter_round(line);
    }

    // Takes out what nobody waits for any more, and gives it to the caller.
    template <typename Predicate>
    std::vector<Item> take_if(Predicate is_dead) {
        std::vector<Item> dead;
        for (auto& entry : lines_) {
            auto& line = entry.second;  // by name: C++20 lets lambdas have it, clang 14 does not
            std::erase_if(line.waiting, [&](Waiting& waiting) {
                if (!is_dead(waiting.item)) return false;
                forget(line.share, waiting.bytes);
                forget(all_, waiting.bytes);
                dead.push_back(std::move(waiting.item));
                return true;
            });
        }
        if (!dead.empty()) drop_empty_lines();
        return dead;
    }

    Share all() const { return all_; }
    Share of(const Client& client) const {
        const auto line = lines_.find(client);
        return line == lines_.end() ? Share{} : line->second.share;
    }
    // Clients with something that waits or runs.
    std::size_t clients() const { return lines_.size(); }

private:
    struct Waiting {
        std::uint64_t bytes;
        Item item;
    };
    struct Line {
        std::deque<Waiting> waiting;
        Share share;
        int running = 0;
        int most_running = 0;
        bool in_round = false;
    };
    using Lines = std::map<Client, Line>;  // its iterators last; no client can make it slow

    static void add(Share& share, std::uint64_t bytes) {
        ++share.items;
        share.bytes += bytes;
    }
    static void forget(Share& share, std::uint64_t bytes) {
        --share.items;
        share.bytes -= bytes;
    }

    void enter_round(typename Lines::iterator line) {
        auto& [client, state] = *line;
        const bool is_full = state.most_running > 0 && state.running >= state.most_running;
        if (state.in_round || state.waiting.empty() || is_full) return;
        state.in_round = true;
        round_.push_back(line);
    }

    void drop_empty_lines() {
        std::erase_if(round_, [](const auto& line) { return line->second.waiting.empty(); });
        for (auto line = lines_.begin(); line != lines_.end();) {
            auto& state = line->second;
            if (state.waiting.empty()) state.in_round = false;
            const bool is_idle = state.waiting.empty() && state.running == 0;
            line = is_idle ? lines_.erase(line) : std::next(line);
        }
    }

    Lines lines_;
    std::deque<typename Lines::iterator> round_;  // of clients whose next item may be taken
    Share all_;
};

}  // namespace engine
