#include "api/cli/table.h"

#include <algorithm>

#include "api/cli/text.h"

namespace cli {

namespace {

using Row = std::vector<Cell>;

Row title_row(const Table& table) {
    Row row;
    for (const auto& column : table.columns) row.push_back({column.title, Tint::bold});
    return row;
}

std::vector<Row> all_rows(const Table& table) {
    std::vector<Row> rows{title_row(table)};
    for (auto row : table.rows) {
        row.resize(table.columns.size());
        for (auto& cell : row) cell.text = printable(cell.text);
        rows.push_back(std::move(row));
    }
    return rows;
}

std::vector<std::size_t> widths_of(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths(rows.front().size(), 0);
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns(row[i].text));
    }
    return widths;
}

std::string line_of(const Row& row, const Table& table, const std::vector<std::size_t>& widths,
                    Colours colours) {
    std::string line;
    std::string pending;  // blanks, written only if something follows
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto text = shortened(row[i].text, widths[i]);
        const std::string fill(widths[i] - columns(text), ' ');
        const bool right = table.columns[i].side == Side::right;
        if (right) pending += fill;
        if (!text.empty()) line += std::exchange(pending, {}) + painted(text, row[i].tint, colours);
        pending += right ? "  " : fill + "  ";
    }
    return line + '\n';
}

}  // namespace

std::string render(const Table& table, std::size_t width, Colours colours) {
    if (table.rows.empty() || table.columns.empty()) return {};
    const auto rows = all_rows(table);
    auto widths = widths_of(rows);
    std::size_t before_last = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) before_last += widths[i] + 2;
    // A column narrower than its title says nothing; then the line may be too long.
    const auto least = std::max<std::size_t>(columns(table.columns.back().title), 8);
    if (width > 0) {
        const auto room = std::max(width > before_last ? width - before_last : 0, least);
        widths.back() = std::min(widths.back(), room);
    }
    std::string text;
    for (const auto& row : rows) text += line_of(row, table, widths, colours);
    return text;
}

std::string render_facts(const std::vector<std::pair<std::string, std::string>>& facts,
                         Colours colours) {
    std::size_t widest = 0;
    for (const auto& [title, text] : facts) {
        if (!text.empty()) widest = std::max(widest, columns(title));
    }
    std::string lines;
    for (const auto& [title, text] : facts) {
        if (text.empty()) continue;
        const std::string fill(widest - columns(title) + 2, ' ');
        lines += painted(title + ":", Tint::bold, colours) + fill + printable(text) + '\n';
    }
    return lines;
}

}  // namespace cli
