// The pages for people: a playground and the API's description. Each is one file without anything
// from elsewhere, kept in the program.
//
// Whatever a program prints is shown by them, so a browser is told to run nothing on them but their
// own script, named by its digest. They do nothing that any other client could not: they speak the
// same API. With server.pages = no they, and /openapi.json, are not there.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// The HTML of pages/playground.html and pages/docs.html.
extern const std::string_view playground_page;
extern const std::string_view docs_page;

// GET /playground, GET /docs, GET /openapi.json.
void playground(Context& context, const std::shared_ptr<http::Exchange>& exchange);
void docs(Context& context, const std::shared_ptr<http::Exchange>& exchange);
void openapi(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// The Content-Security-Policy of a page: only its own <script> and <style> elements, known by their
// SHA-256, and requests to where it came from. Throws Error{broken} if one has no end.
std::string content_security_policy(std::string_view html);

}  // namespace resources
