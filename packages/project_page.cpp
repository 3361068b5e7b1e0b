// The page of a Python index that lists a project's files. Of HTML only the anchors are looked at,
// which is all PEP 503 promises: their text is the file's name, the address's fragment its digest.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "isolate/sys/error.h"
#include "packages/artifact.h"
#include "packages/names.h"

namespace packages {

namespace {

using Json = nlohmann::json;

constexpr std::string_view blanks = " \t\r\n\f";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The characters HTML must escape in an address or a name; others stay as they are.
std::string unescaped(std::string_view html) {
    constexpr std::pair<std::string_view, char> entities[] = {
        {"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},  {"&quot;", '"'},
        {"&#39;", '\''}, {"&#x27;", '\''}, {"&#43;", '+'}, {"&#x2B;", '+'},
    };
    std::string result;
    while (!html.empty()) {
        const auto* const entity = std::ranges::find_if(
            entities, [&](const auto& candidate) { return html.starts_with(candidate.first); });
        const bool found = entity != std::end(entities);
        result += found ? entity->second : html.front();
        html.remove_prefix(found ? entity->first.size() : 1);
    }
    return result;
}

// The value of href in the attributes of a tag, quoted either way; empty if there is none.
std::string_view href_of(std::string_view tag) {
    for (auto at = tag.find("href"); at != std::string_view::npos; at = tag.find("href", at + 1)) {
        // "data-href" is another attribute.
        if (at == 0 || blanks.find(tag[at - 1]) == std::string_view::npos) continue;
        auto rest = trimmed(tag.substr(at + 4));
        if (!rest.starts_with('=')) continue;
        rest = trimmed(rest.substr(1));
        if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) continue;
        const auto end = rest.find(rest.front(), 1);
        if (end != std::string_view::npos) return rest.substr(1, end - 1);
    }
    return {};
}

// The ">" that ends a tag: one in a quoted value, such as data-requires-python=">=3.8", does not.
std::size_t end_of_tag(std::string_view html, std::size_t at) {
    char quote = 0;
    for (; at < html.size(); ++at) {
        const char c = html[at];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return at;
        }
    }
    return std::string_view::npos;
}

// "sha256=<hex>" as "sha256:<hex>"; other fragments state nothing that is used.
std::string digest_in(std::string_view fragment) {
    constexpr std::string_view key = "sha256=";
    if (!fragment.starts_with(key)) return {};
    return "sha256:" + std::string{fragment.substr(key.size())};
}

std::vector<IndexedFile> parse_html(std::string_view page, const std::string& url) {
    std::vector<IndexedFile> files;
    for (std::size_t at = 0; (at = page.find("<a", at)) != std::string_view::npos;) {
        const auto start = at + 2;
        at = start;
        if (start >= page.size() || blanks.find(page[start]) == std::string_view::npos) continue;
        const auto end = end_of_tag(page, start);
        if (end == std::string_view::npos) break;
        const auto close = page.find("</a", end);
        if (close == std::string_view::npos) break;
        const auto href = unescaped(href_of(page.substr(start, end - start)));
        const auto hash = std::min(href.find('#'), href.size());
        if (!href.empty()) {
            files.push_back({.name = unescaped(trimmed(page.substr(end + 1, close - end - 1))),
                             .url = resolved_address(url, std::string_view{href}.substr(0, hash)),
                             .digest = digest_in(
                                 std::string_view{href}.substr(std::min(hash + 1, href.size())))});
        }
        at = close;
    }
    return files;
}

// The string at the key, or nothing at all of another type.
std::string string_in(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::vector<IndexedFile> parse_json(std::string_view page, const std::string& url) {
    const auto document = Json::parse(page, nullptr, /*allow_exceptions=*/false);
    const auto list = document.is_object() ? document.find("files") : document.end();
    if (!document.is_object() || list == document.end() || !list->is_array()) {
        throw sys::Error(sys::Kind::invalid,
                         without_passwords(url) + " is no list of a Python project's files");
    }
    std::vector<IndexedFile> files;
    for (const auto& entry : *list) {
        if (!entry.is_object()) continue;
        const auto address = string_in(entry, "url");
        if (address.empty()) continue;
        const auto hashes = entry.value("hashes", Json::object());
        const auto sha256 = hashes.is_object() ? string_in(hashes, "sha256") : std::string{};
        files.push_back({.name = string_in(entry, "filename"),
                         .url = resolved_address(url, address.substr(0, address.find('#'))),
                         .digest = sha256.empty() ? "" : "sha256:" + sha256});
    }
    return files;
}

// "/a/b/../c" as "/a/c".
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> kept;
    const bool directory = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const auto part = path.substr(0, path.find('/'));
        path.remove_prefix(part.size());
        if (part == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (part != "." && (!part.empty() || !path.empty())) {
            kept.push_back(part);
        }
    }
    std::string result;
    for (const auto& part : kept) result += "/" + std::string{part};
    return directory || result.empty() ? result + "/" : result;
}

}  // namespace

std::string resolved_address(std::string_view base, std::string_view reference) {
    const auto colon = reference.find(':');
    if (colon != std::string_view::npos && colon < reference.find_first_of("/?")) {
        return std::string{reference};  // it has a scheme
    }
    const auto scheme_end = base.find(':') + 1;
    if (reference.starts_with("//")) {
        return std::string{base.substr(0, scheme_end)} + std::string{reference};
    }
    const auto path_start = std::min(base.find('/', scheme_end + 2), base.size());
    const auto origin = std::string{base.substr(0, path_start)};
    auto base_path = base.substr(path_start, base.find('?') - path_start);
    const auto query = std::min(reference.find('?'), reference.size());
    auto path = std::string{reference.substr(0, query)};
    if (path.empty()) {
        path = base_path;
    } else if (path.front() != '/') {
        path = std::string{base_path.substr(0, base_path.rfind('/') + 1)} + path;
    }
    if (!path.starts_with('/')) path = "/" + path;
    return origin + without_dots(path) + std::string{reference.substr(query)};
}

std::vector<IndexedFile> parse_project_page(std::string_view page, const std::string& url) {
    auto files = trimmed(page).starts_with('{') ? parse_json(page, url) : parse_html(page, url);
    // A page from the net does not get to name files of this machine.
    const bool local = url.starts_with("file:");
    std::erase_if(files, [&](const IndexedFile& file) {
        return !is_address(file.url) || (!local && file.url.starts_with("file:"));
    });
    return files;
}

}  // namespace packages
