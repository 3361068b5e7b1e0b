#include "tests/support/archive_maker.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace support {

namespace {

constexpr std::size_t tar_block = 512;

std::string octal(std::uint64_t value, int digits) {
    auto text = std::array<char, 32>{};
    std::snprintf(text.data(), text.size(), "%0*llo", digits,
                  static_cast<unsigned long long>(value));
    return text.data();
}

std::string padded(std::string text, std::size_t size, char fill = '\0') {
    text.resize(size, fill);
    return text;
}

std::string to_blocks(std::string text) {
    const auto size = (text.size() + tar_block - 1) / tar_block * tar_block;
    return padded(std::move(text), size);
}

// POSIX.1-1988, 512 bytes; names and links cut at their fields.
std::string tar_header(const ArchiveMember& member) {
    auto header = padded(member.name, 100) + octal(member.mode, 7) + '\0' + octal(0, 7) + '\0' +
                  octal(0, 7) + '\0' +
                  octal(member.claimed_size.value_or(member.content.size()), 11) + '\0' +
                  octal(1'000'000'000, 11) + '\0' + "        " + member.type +
                  padded(member.link, 100) + std::string{"ustar\00000", 8};
    header = padded(header, tar_block);
    unsigned sum = 0;
    for (const char c : header) sum += static_cast<unsigned char>(c);
    header.replace(148, 8, octal(sum, 6) + std::string{"\0 ", 2});
    return header;
}

struct Free {
    void operator()(archive* writer) const { archive_write_free(writer); }
    void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};
using Writer = std::unique_ptr<archive, Free>;

void must(const Writer& writer, la_ssize_t result) {
    if (result < 0) throw std::runtime_error(archive_error_string(writer.get()));
}

la_ssize_t append(archive*, void* to, const void* bytes, std::size_t length) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), length);
    return static_cast<la_ssize_t>(length);
}

void write_member(const Writer& writer, const ArchiveMember& member) {
    const auto entry = std::unique_ptr<archive_entry, Free>{archive_entry_new()};
    archive_entry_set_pathname(entry.get(), member.name.c_str());
    archive_entry_set_mode(entry.get(), member.mode | (member.type == '5'   ? AE_IFDIR
                                                       : member.type == '2' ? AE_IFLNK
                                                                            : AE_IFREG));
    archive_entry_set_mtime(entry.get(), 1'000'000'000, 0);
    if (member.type == '2') archive_entry_set_symlink(entry.get(), member.link.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.content.size()));
    must(writer, archive_write_header(writer.get(), entry.get()));
    must(writer, archive_write_data(writer.get(), member.content.data(), member.content.size()));
}

}  // namespace

std::string make_tar(const std::vector<ArchiveMember>& members) {
    std::string tar;
    for (const auto& member : members) {
        const auto add_long = [&](const std::string& text, char type) {
            if (text.size() <= 100) return;
            tar += tar_header({.name = "././@LongLink", .content = text + '\0', .type = type});
            tar += to_blocks(text + '\0');
        };
        add_long(member.name, 'L');
        add_long(member.link, 'K');
        tar += tar_header(member) + to_blocks(member.content);
    }
    return tar + std::string(2 * tar_block, '\0');
}

std::string make_zip(const std::vector<ArchiveMember>& members) {
    std::string zip;
    const auto writer = Writer{archive_write_new()};
    archive_write_set_format_zip(writer.get());
    archive_write_set_bytes_in_last_block(writer.get(), 1);
    must(writer, archive_write_open(writer.get(), &zip, nullptr, append, nullptr));
    for (const auto& member : members) write_member(writer, member);
    must(writer, archive_write_close(writer.get()));
    return zip;
}

std::string make_ar(const std::vector<ArchiveMember>& members) {
    std::string ar = "!<arch>\n";
    for (const auto& member : members) {
        ar += padded(member.name, 16, ' ') + padded("0", 12, ' ') + padded("0", 6, ' ') +
              padded("0", 6, ' ') + padded("100644", 8, ' ') +
              padded(std::to_string(member.content.size()), 10, ' ') + "`\n" + member.content;
        if (member.content.size() % 2 != 0) ar += '\n';
    }
    return ar;
}

std::string make_deb(const std::string& data, const std::string& data_name) {
    return make_ar({{.name = "debian-binary", .content = "2.0\n"},
                    {.name = "control.tar", .content = make_tar({{.name = "./control"}})},
                    {.name = data_name, .content = data}});
}

std::string compress(const std::string& bytes, const std::string& method) {
    std::string compressed;
    const auto writer = Writer{archive_write_new()};
    archive_write_set_format_raw(writer.get());
    must(writer, archive_write_add_filter_by_name(writer.get(), method.c_str()));
    archive_write_set_bytes_in_last_block(writer.get(), 1);
    must(writer, archive_write_open(writer.get(), &compressed, nullptr, append, nullptr));
    write_member(writer, {.name = "data", .content = bytes});
    must(writer, archive_write_close(writer.get()));
    return compressed;
}

std::string pax_record(const std::string& key, const std::string& value) {
    const auto rest = " " + key + "=" + value + "\n";
    auto length = rest.size() + 1;
    while (std::to_string(length).size() + rest.size() != length) ++length;
    return std::to_string(length) + rest;
}

}  // namespace support
