// Prometheus' text format, version 0.0.4, read strictly: what a scraper would refuse, guess at or
// count twice is an error here.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace support {

struct Exposition {
    // "name{label=\"value\"}" as it stands there, and its value.
    std::map<std::string, double> samples;
    std::map<std::string, std::string> types;  // of each family

    // Of a sample that is not there: 0.
    double value(const std::string& sample) const;

    // The sum over all samples of that name, whatever their labels.
    double sum(const std::string& name) const;
};

// Throws std::runtime_error with the line: not of the format, a family that is there twice or not
// in one piece, a sample that is there twice or of a family without a type, a counter below zero, a
// histogram whose buckets fall, do not end in +Inf, or do not add up to its count.
Exposition parse_exposition(std::string_view text);

// The family that a sample's name belongs to: without _bucket, _sum, _count if that is a histogram.
std::string family_of(const Exposition& exposition, const std::string& name);

}  // namespace support
