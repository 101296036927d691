// The pages: uploading, zips and the documentation where clients come, operating where /metrics is.
//
// Every answer names all that a page may load: its own files, the pictures, and the stores that it sends to.
// Nothing of another host, nothing written into the page.
#include <set>
#include <stdexcept>

#include "base/encoding.hpp"
#include "gateway/routes/api.hpp"
#include "gateway/routes/error_page.hpp"
#include "http/semantics/conditions.hpp"
#include "signer/digest.hpp"
#include "web/pages.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

/// Where a page may speak to and take pictures from, beside its own origin.
struct Reach {
    std::string connect;
    std::string images;
};

std::string policy(const Reach& reach) {
    return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:" + reach.images +
           "; connect-src 'self'" + reach.connect +
           "; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for "
           "'script'";
}

/// The stores as clients see them, with the bucket in front where it is part of the host's name.
Reach reach_of(const Api& api) {
    std::set<std::string> origins;
    for (const auto& [name, region] : api.config.regions) {
        auto endpoint = region.external;
        if (region.style == signer::AddressingStyle::virtual_host)
            endpoint.host = region.incoming.str() + "." + endpoint.host;
        origins.insert(endpoint.origin());
    }
    Reach reach;
    for (const auto& origin : origins)
        reach.connect += " " + origin;
    if (!api.image_base.empty()) reach.images = " " + api.image_base;
    return reach;
}

struct Page {
    http::SharedBody text;
    std::string type, etag, policy;
};

bool has_it_already(const Request& request, const std::string& etag) {
    namespace semantics = photogate::http::semantics;
    const auto sent = request.headers.find("if-none-match");
    return sent && semantics::lists_tag(*sent, semantics::unquoted(etag), semantics::Comparison::weak);
}

Response page_response(const Request& request, const Page& page) {
    const bool known = has_it_already(request, page.etag);
    Response response{known ? 304 : 200, {}, std::string{}};
    if (!known) {
        response.body = page.text;
        response.set("Content-Type", page.type);
    }
    response.set("ETag", page.etag);
    response.set("Cache-Control", "no-cache");
    response.set("Content-Security-Policy", page.policy);
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    response.set("Cross-Origin-Opener-Policy", "same-origin");
    return response;
}

void add_text(http::Router& router, const char* pattern, std::string_view text, std::string_view type,
              const Reach& reach) {
    const Page page{std::make_shared<const std::string>(text), std::string{type},
                    "\"" + hex_lower(signer::sha256(text)).substr(0, 32) + "\"", policy(reach)};
    router.add({http::Method::get,
                pattern,
                http::answer_with(
                    [page](Request& request) -> Result<Response> { return page_response(request, page); }),
                0,
                {},
                ""});
}

void add_page(http::Router& router, const char* pattern, std::string_view file, const Reach& reach) {
    const auto text = web::find_page(file);
    if (!text) throw std::logic_error("no page is called " + std::string{file});
    add_text(router, pattern, *text, web::media_type(file), reach);
}

/// Where the `type` of each problem leads (http::ProblemContext).
void add_error_page(http::Router& router) {
    add_text(router, "/docs/errors", error_page(), web::media_type("errors.html"), {});
}

void add_assets(http::Router& router) {
    for (const auto& file : web::page_files()) {
        if (file.name.ends_with(".html") || file.name == "openapi.json") continue;
        add_page(router, ("/assets/" + std::string{file.name}).c_str(), file.name, {});
    }
}

}  // namespace

void add_page_routes(http::Router& router, const Api& api) {
    const auto reach = reach_of(api);
    add_page(router, "/", "upload.html", reach);
    add_page(router, "/upload", "upload.html", reach);
    add_page(router, "/packages", "packages.html", reach);
    add_page(router, "/docs", "docs.html", {});
    add_page(router, "/openapi.json", "openapi.json", {});
    add_error_page(router);
    add_assets(router);
}

void add_operate_pages(http::Router& router) {
    add_page(router, "/", "operate.html", {});
    add_page(router, "/operate", "operate.html", {});
    add_error_page(router);
    add_assets(router);
}

}  // namespace photogate::gateway::routes
