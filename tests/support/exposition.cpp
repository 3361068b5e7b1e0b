#include "tests/support/exposition.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>
#include <stdexcept>
#include <vector>

namespace support {

namespace {

constexpr std::string_view name_start = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";
constexpr std::string_view digits = "0123456789";

class Line {
public:
    explicit Line(std::string_view text) : all_(text), rest_(text) {}

    [[noreturn]] void refuse(const std::string& why) const {
        throw std::runtime_error(why + ": " + std::string{all_});
    }

    std::string name(bool may_have_colon) {
        std::size_t length = 0;
        while (length < rest_.size() && is_of_name(rest_[length], length, may_have_colon)) ++length;
        if (length == 0) refuse("no name");
        return take(length);
    }

    bool take_if(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    void must(std::string_view word) {
        if (!take_if(word)) refuse("no \"" + std::string{word} + "\"");
    }

    // Behind its opening quote; as it stands there.
    std::string quoted() {
        for (std::size_t i = 0; i < rest_.size(); ++i) {
            if (rest_[i] == '"') {
                auto text = take(i);
                must("\"");
                return text;
            }
            if (rest_[i] != '\\') continue;
            ++i;
            if (i == rest_.size() || std::string_view{"\\\"n"}.find(rest_[i]) == rest_.npos)
                refuse("a bad escape");
        }
        refuse("no end of a label's value");
    }

    double number() {
        if (rest_ == "+Inf") return std::numeric_limits<double>::infinity();
        double value = 0;
        const auto* const last = rest_.data() + rest_.size();
        const auto [end, error] = std::from_chars(rest_.data(), last, value);
        if (error != std::errc{} || end != last || !std::isfinite(value)) refuse("no number");
        return value;
    }

    std::string rest() const { return std::string{rest_}; }

private:
    static bool is_of_name(char c, std::size_t at, bool may_have_colon) {
        if (c == ':' && !may_have_colon) return false;
        return name_start.find(c) != std::string_view::npos ||
               (at > 0 && digits.find(c) != std::string_view::npos);
    }

    std::string take(std::size_t length) {
        std::string text{rest_.substr(0, length)};
        rest_.remove_prefix(length);
        return text;
    }

    std::string_view all_, rest_;
};

struct Sample {
    std::string name, labels;  // without "le"
    std::string bound;         // "le"
};

class Reader {
public:
    void read(std::string_view text) {
        Line line{text};
        if (line.take_if("# HELP ")) return begin_family(line);
        if (line.take_if("# TYPE ")) return take_type(line);
        if (text.starts_with("#")) line.refuse("a comment");
        take_sample(line, text);
    }

    Exposition finish() {
        for (const auto& [series, last] : last_bucket_)
            if (last.bound != "+Inf") throw std::runtime_error(series + " has no +Inf");
        for (const auto& [count, series] : counts_) {
            const auto bucket = last_bucket_.find(series);
            if (bucket == last_bucket_.end() || bucket->second.value != exposition_.value(count))
                throw std::runtime_error(count + " is not what its buckets are");
        }
        return std::move(exposition_);
    }

private:
    struct Bucket {
        std::string bound;
        double limit = 0, value = 0;
    };

    void begin_family(Line& line) {
        family_ = line.name(true);
        line.must(" ");
        if (!families_.insert(family_).second) line.refuse("a family that was there");
    }

    void take_type(Line& line) {
        if (line.name(true) != family_) line.refuse("a type of another family");
        line.must(" ");
        const auto type = line.rest();
        if (type != "counter" && type != "gauge" && type != "histogram") line.refuse("a type");
        exposition_.types[family_] = type;
    }

    void take_sample(Line& line, std::string_view text) {
        const auto sample = read_sample(line);
        line.must(" ");
        const double value = line.number();
        if (family_of(exposition_, sample.name) != family_) line.refuse("not of this family");
        const auto type = exposition_.types.find(family_);
        if (type == exposition_.types.end()) line.refuse("a family without a type");
        if (type->second != "gauge" && value < 0) line.refuse("below zero");
        const std::string key{text.substr(0, text.rfind(' '))};
        if (!exposition_.samples.emplace(key, value).second) line.refuse("there twice");
        if (type->second == "histogram") check_histogram(line, sample, key, value);
    }

    static Sample read_sample(Line& line) {
        Sample sample{.name = line.name(true), .labels = {}, .bound = {}};
        if (!line.take_if("{")) return sample;
        std::set<std::string> seen;
        do {
            const auto label = line.name(false);
            line.must("=\"");
            const auto value = line.quoted();
            if (!seen.insert(label).second) line.refuse("a label that was there");
            if (label == "le")
                sample.bound = value;
            else
                sample.labels += label + "=" + value + "\n";
        } while (line.take_if(","));
        line.must("}");
        return sample;
    }

    void check_histogram(const Line& line, const Sample& sample, const std::string& key,
                         double value) {
        const auto series = family_ + "\n" + sample.labels;
        if (sample.name == family_ + "_count") counts_[key] = series;
        if (sample.name != family_ + "_bucket") return;
        const double limit = Line{sample.bound}.number();
        const auto [last, is_first] = last_bucket_.try_emplace(series);
        if (!is_first && (limit <= last->second.limit || value < last->second.value))
            line.refuse("buckets fall");
        last->second = {sample.bound, limit, value};
    }

    Exposition exposition_;
    std::set<std::string> families_;
    std::string family_;
    std::map<std::string, Bucket> last_bucket_;
    std::map<std::string, std::string> counts_;  // sample, series
};

}  // namespace

double Exposition::value(const std::string& sample) const {
    const auto found = samples.find(sample);
    return found == samples.end() ? 0 : found->second;
}

double Exposition::sum(const std::string& name) const {
    double total = 0;
    for (const auto& [sample, value] : samples)
        if (sample == name || sample.starts_with(name + "{")) total += value;
    return total;
}

Exposition parse_exposition(std::string_view text) {
    if (!text.ends_with('\n')) throw std::runtime_error("the last line has no end");
    Reader reader;
    while (!text.empty()) {
        const auto end = text.find('\n');
        reader.read(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return reader.finish();
}

std::string family_of(const Exposition& exposition, const std::string& name) {
    for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
        if (!name.ends_with(suffix)) continue;
        const auto family = name.substr(0, name.size() - suffix.size());
        const auto type = exposition.types.find(family);
        if (type != exposition.types.end() && type->second == "histogram") return family;
    }
    return name;
}

}  // namespace support
