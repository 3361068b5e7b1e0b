#include "api/resources/pages.h"

#include <utility>

#include "api/resources/answer.h"
#include "api/resources/openapi.h"
#include "api/resources/routes.h"
#include "isolate/sys/error.h"
#include "packages/digest.h"

namespace resources {

namespace {

std::string source_of(std::string_view text) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(text);
    return " 'sha256-" + packages::encode_base64(hasher.finish().bytes) + "'";
}

// The sources that allow each element of that kind, or 'none'.
std::string sources_of(std::string_view html, const std::string& element) {
    const auto opening = "<" + element + ">";
    const auto closing = "</" + element + ">";
    std::string sources;
    for (auto at = html.find(opening); at != html.npos; at = html.find(opening, at)) {
        at += opening.size();
        const auto end = html.find(closing, at);
        if (end == html.npos)
            throw sys::Error(sys::Kind::broken, "a page has a " + opening + " without its end");
        sources += source_of(html.substr(at, end - at));
    }
    return sources.empty() ? " 'none'" : sources;
}

http::Response page(std::string_view html) {
    return {
        .status = 200,
        .content_type = "text/html; charset=utf-8",
        .fields = {{"Content-Security-Policy", content_security_policy(html)},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Referrer-Policy", "no-referrer"},
                   {"Cross-Origin-Opener-Policy", "same-origin"},
                   // Kept, but asked for each time: the tag says whether the program was replaced.
                   {"Cache-Control", "no-cache"}},
        .body = std::string{html},
    };
}

}  // namespace

std::string content_security_policy(std::string_view html) {
    return "default-src 'none'; script-src" + sources_of(html, "script") + "; style-src" +
           sources_of(html, "style") +
           "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
           "frame-ancestors 'none'";
}

void playground(Context&, const std::shared_ptr<http::Exchange>& exchange) {
    static const auto response = page(playground_page);
    exchange->answer(response);
}

void docs(Context&, const std::shared_ptr<http::Exchange>& exchange) {
    static const auto response = page(docs_page);
    exchange->answer(response);
}

void openapi(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    // Which routes there are does not change while the engine runs.
    static const auto document = openapi_document(operations(context.policy.get()->settings));
    auto response = json(200, document);
    response.fields.push_back({"X-Content-Type-Options", "nosniff"});
    response.fields.push_back({"Cache-Control", "no-cache"});
    exchange->answer(std::move(response));
}

}  // namespace resources
