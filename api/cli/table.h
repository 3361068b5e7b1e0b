// Tables for people: columns as wide as they need, aligned, no lines around them. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "api/cli/terminal.h"

namespace cli {

struct Cell {
    // Control characters in it are replaced when the table is rendered.
    std::string text;
    Tint tint = Tint::none;

    bool operator==(const Cell&) const = default;
};

enum class Side { left, right };

struct Column {
    std::string title;
    Side side = Side::left;

    bool operator==(const Column&) const = default;
};

struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;  // shorter ones are filled up with empty cells

    bool operator==(const Table&) const = default;
};

// One line for the titles and one for each row, each ended by a newline, without blanks before it.
// Empty without rows. Columns are parted by two blanks. Where a line would be longer than `width`
// columns (0: any length), its last column is shortened.
std::string render(const Table& table, std::size_t width, Colours colours);

// "title:  text" lines, aligned; pairs without text are left out.
std::string render_facts(const std::vector<std::pair<std::string, std::string>>& facts,
                         Colours colours);

}  // namespace cli
