// GET /p/{id}/{name}: a package, for whoever has its link.
//
// The link is verified before the package is looked up, so one that is not genuine has one answer, whatever its id stands for. The row
// answers what it can (HEAD, 304, 412, 416); what is read from the store is read on a pool of its own.
#include <algorithm>
#include <utility>

#include "delivery/conditions.hpp"
#include "gateway/access/package_links.hpp"
#include "gateway/routes/attachment.hpp"
#include "gateway/routes/package_routes.hpp"
#include "gateway/routes/package_stream.hpp"
#include "gateway/routes/request_fields.hpp"

namespace photogate::gateway::routes {
namespace {

using http::Request;
using http::Response;

struct Download {
    const PackageApi& of;
    Request request;
    http::Responder responder;
    model::Package package = {};
    packager::Span span = {};
    Response response = {};
};
using Shared = std::shared_ptr<Download>;

Response out_of_range(std::uint64_t size) {
    auto refused = Response::problem({ErrorCode::range_not_satisfiable,
                                      "the package has " + std::to_string(size) + " bytes",
                                      {},
                                      std::nullopt});
    refused.set("Content-Range", "bytes */" + std::to_string(size));
    return refused;
}

/// What the row alone answers; nullopt: the response lacks its body.
std::optional<Response> from_row(Download& download) {
    const auto& package = download.package;
    const delivery::Validators validators{"\"" + package.etag + "\"", package.created_at};
    const auto verdict = delivery::judge(conditions_of(download.request), validators, package.size);
    if (verdict.status == 412) return Response::empty(412);
    if (verdict.status == 416) return out_of_range(package.size);
    Response& response = download.response;
    response.status = verdict.status;
    response.set("ETag", validators.etag);
    response.set("Last-Modified", format_http_date(validators.last_modified));
    response.set("Cache-Control", "private, no-store");
    response.set("Accept-Ranges", "bytes");
    response.set("Content-Security-Policy", "default-src 'none'; sandbox");
    if (verdict.status == 304) {
        response.body = std::string{};
        return std::move(response);
    }
    response.set("Content-Type", "application/zip");
    response.set("Content-Disposition", attachment(package.name));
    download.span = {0, package.size};
    if (verdict.range) {
        download.span = {verdict.range->first, verdict.range->last + 1};
        response.set("Content-Range", "bytes " + std::to_string(verdict.range->first) + "-" +
                                          std::to_string(verdict.range->last) + "/" +
                                          std::to_string(package.size));
    }
    if (download.request.method != http::Method::head) return std::nullopt;
    response.body = http::StreamBody{nullptr, package.size};
    return std::move(response);
}

/// On the packages' pool.
void send(const Shared& download) {
    const auto& of = download->of;
    auto& responder = download->responder;
    if (responder.abandoned()) return;
    auto place = of.downloads.enter(download->package.id, PackageStream::kCost);
    if (!place) return responder.fail(std::move(place.error()));
    PackageStream::Means means{of.packages, of.api.stores, of.pool,
                               [&downloads = of.downloads](const Result<std::string>& piece) {
                                   piece ? downloads.sent(piece->size()) : downloads.broke();
                               }};
    auto body = PackageStream::body(std::move(means), download->package, download->span, std::move(*place));
    if (body) {
        download->response.body = std::move(*body);
        return responder.respond(std::move(download->response));
    }
    switch (body.error().code) {
        case ErrorCode::gone:
        case ErrorCode::overloaded:
        case ErrorCode::database_unavailable:
            return responder.fail(std::move(body.error()));
        case ErrorCode::store_no_such_key:
        case ErrorCode::store_precondition_failed:
        case ErrorCode::size_mismatch:
        case ErrorCode::store_checksum_mismatch:
            return responder.fail({ErrorCode::gone,
                                   "a picture of the package is not there any more; ask for a new package",
                                   {},
                                   std::nullopt});
        default:
            return responder.fail(
                {ErrorCode::unavailable, "the object store is not available; try again", {}, std::nullopt});
    }
}

/// On the database's pool.
void look_up(const Shared& download, const access::VerifiedPackageLink& link) {
    auto& responder = download->responder;
    if (responder.abandoned()) return;
    const auto& of = download->of;
    const auto id = parse_package_id(download->request.parameter("id"));
    auto package = of.service.find(link.app, *id);
    if (!package && package.error().code == ErrorCode::package_not_found)
        return responder.fail({ErrorCode::gone, "the package is over; ask for a new one", {}, std::nullopt});
    if (!package) return responder.fail(std::move(package.error()));
    if (auto usable = pipeline::packages::check_usable(*package, of.api.clock.now()); !usable)
        return responder.fail(std::move(usable.error()));
    download->package = std::move(*package);
    if (auto answer = from_row(*download)) return responder.respond(std::move(*answer));
    if (auto taken = of.pool.submit([download] { send(download); }); !taken)
        responder.fail(std::move(taken.error()));
}

/// nullopt, too, of a parameter that stands twice: two readers could take one each.
std::optional<std::string_view> only_value(const Request& request, std::string_view name) {
    const auto times = std::count_if(request.query.begin(), request.query.end(),
                                     [&](const auto& parameter) { return parameter.name == name; });
    return times == 1 ? request.query_value(name) : std::nullopt;
}

void get_package_file(const PackageApi& of, Request request, http::Responder responder) {
    const access::PresentedLink presented{only_value(request, "expires"), std::nullopt,
                                          only_value(request, "sig")};
    const auto id = request.parameter("id");
    auto link = access::verify_package_link(*of.api.image_access.keys(), presented, id, of.api.clock.now());
    if (link && !parse_package_id(id)) link = access::signature_invalid();
    if (!link) return responder.fail(std::move(link.error()));
    auto download = std::make_shared<Download>(Download{of, std::move(request), std::move(responder)});
    auto taken = of.api.database_pool.submit([download, link = *link] { look_up(download, link); });
    if (!taken) download->responder.fail(std::move(taken.error()));
}

}  // namespace

void add_package_download(http::Router& router, const PackageApi& of) {
    router.add({http::Method::get,
                "/p/{id}/{name}",
                [&of](Request request, http::Responder responder) {
                    get_package_file(of, std::move(request), std::move(responder));
                },
                0,
                {},
                ""});
}

}  // namespace photogate::gateway::routes
