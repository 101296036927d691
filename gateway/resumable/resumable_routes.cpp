#include "gateway/resumable/resumable_routes.hpp"

#include <array>
#include <string_view>
#include <utility>

#include "base/ascii.hpp"
#include "gateway/access/principal.hpp"
#include "gateway/resumable/transfer.hpp"
#include "http/resumable/metadata.hpp"
#include "http/resumable/request.hpp"

namespace photogate::gateway::resumable {
namespace {

namespace protocol = photogate::http::resumable;
using protocol::Message;
using protocol::Verb;

/// No limit of ours; each upload has its own.
constexpr std::size_t kMostContent = std::size_t{1} << 40;

protocol::ReadRequest read(const http::Request& request, Message::Target target) {
    std::vector<protocol::FieldView> fields;
    fields.reserve(request.headers.size());
    for (std::size_t i = 0; i < request.headers.size(); ++i)
        fields.push_back(request.headers.at(i));
    const auto* length = std::get_if<http::LengthBody>(&request.framing);
    return protocol::read_request({http::to_string(request.method), target,
                                   !std::holds_alternative<http::NoBody>(request.framing),
                                   length ? std::optional{length->size} : std::nullopt, fields});
}

void refuse(http::Responder& responder, const protocol::Dialect& dialect, const protocol::Refusal& refusal) {
    responder.respond(response_of(protocol::refused(dialect, refusal)));
}

/// Errors: unauthenticated, token_expired.
Result<model::ClientToken> bearer_of(const ResumableApi& api, const http::Request& request) {
    const auto bearer = api.bearer(request, request.parameters);
    if (!bearer) return fail(bearer.error());
    return *(*bearer)->token();
}

/// Who comes, by the credential in the path. Errors: unauthenticated, token_expired, upload_not_found.
Result<pipeline::resumable::Visitor> visitor_of(const ResumableApi& api, const http::Request& request) {
    const auto credential = request.parameter("token");
    const auto id = parse_upload_id(request.parameter("id"));
    const auto now = api.clock.now();
    if (access::looks_like_upload_ticket(credential)) {
        if (!id) return fail(ErrorCode::upload_not_found, "there is no such upload");
        const auto until = api.tickets.verify(credential, *id, now);
        if (!until) return fail(until.error());
        return pipeline::resumable::Visitor{*id, {}, *until};
    }
    const auto token = bearer_of(api, request);
    if (!token) return fail(token.error());
    if (!id) return fail(ErrorCode::upload_not_found, "there is no such upload");
    return pipeline::resumable::Visitor{*id, *token, token->expires_at};
}

void handle_upload(const ResumableApi& api, http::Request request, http::Responder responder) {
    auto asked = read(request, Message::Target::upload);
    if (asked.refusal) return refuse(responder, asked.dialect, *asked.refusal);
    if (asked.asked.verb == Verb::options)
        return responder.respond(response_of(protocol::offered(api.most())));
    auto visitor = visitor_of(api, request);
    if (!visitor) return refuse(responder, asked.dialect, refusal_of(visitor.error()));
    std::optional<std::uint32_t> beginning;
    if (const auto text = request.parameter("beginning"); !text.empty()) {
        beginning = ascii::parse_whole<std::uint32_t>(text);
        if (!beginning)
            return refuse(
                responder, asked.dialect,
                refusal_of({ErrorCode::upload_not_found, "there is no such upload", {}, std::nullopt}));
    }
    auto url = resumable_url(api.base, std::string{request.parameter("token")}, visitor->upload);
    Errand errand{std::move(asked.asked), std::move(*visitor), beginning, std::move(url)};
    std::make_shared<Transfer>(api, std::move(errand), std::move(request), std::move(responder))->start();
}

/// The name and the type that clients of tus send, by the keys that they use.
void read_pairs(const std::string& metadata, pipeline::GrantRequest& grant) {
    auto pairs = protocol::read_metadata(metadata).value_or(std::map<std::string, std::string>{});
    const auto first_of = [&](std::initializer_list<const char*> keys) -> std::optional<std::string> {
        for (const auto* key : keys) {
            if (const auto found = pairs.find(key); found != pairs.end() && !found->second.empty())
                return found->second;
        }
        return std::nullopt;
    };
    grant.filename = first_of({"filename", "name"});
    grant.content_type = first_of({"filetype", "type", "content-type", "contentType"});
}

/// Creation by tus: the upload is made as `POST /v1/uploads` makes one, then its content is taken.
void handle_place(const ResumableApi& api, http::Request request, http::Responder responder) {
    auto asked = read(request, Message::Target::place);
    if (asked.refusal) return refuse(responder, asked.dialect, *asked.refusal);
    if (asked.asked.verb == Verb::options)
        return responder.respond(response_of(protocol::offered(api.most())));
    auto token = bearer_of(api, request);
    if (!token) return refuse(responder, asked.dialect, refusal_of(token.error()));
    pipeline::uploads::CreateRequest create;
    create.grant.size = asked.asked.length;
    create.grant.request_id = request.request_id;
    if (!request.traceparent.empty()) create.grant.traceparent = request.traceparent;
    if (!request.tracestate.empty()) create.grant.tracestate = request.tracestate;
    create.grant.near = api.regions.near(request);
    read_pairs(asked.asked.metadata, create.grant);
    const pipeline::uploads::Caller caller{token->app, std::make_shared<const model::ClientToken>(*token)};
    auto planned = api.service.plan(caller, std::move(create));
    if (!planned) return refuse(responder, asked.dialect, refusal_of(planned.error()));
    const auto id = planned->granted.upload.id;
    auto url = resumable_url(api.base, std::string{request.parameter("token")}, id);
    const auto until = token->expires_at;
    Errand errand{std::move(asked.asked), {id, std::move(*token), until}, {}, std::move(url), true};
    auto transfer =
        std::make_shared<Transfer>(api, std::move(errand), std::move(request), std::move(responder));
    auto ticket = std::make_shared<InFlight::Ticket>(api.in_flight.enter());
    api.service.create(std::move(*planned),
                       [transfer, ticket](const Result<pipeline::uploads::Created>& created) {
                           if (!created) return transfer->fail(created.error());
                           transfer->start();
                       });
}

using photogate::http::semantics::CorsRequest;
using photogate::http::semantics::CorsRule;

std::optional<CorsRule> with_upload_fields(const std::shared_ptr<const CorsRule>& rule) {
    if (!rule) return std::nullopt;
    auto wider = *rule;
    for (const auto* name :
         {"X-HTTP-Method-Override", "Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata",
          "Upload-Defer-Length", "Upload-Concat", "Upload-Checksum", "Upload-Complete", "Upload-Incomplete",
          "Upload-Draft-Interop-Version", "Content-Digest", "Repr-Digest"})
        wider.headers.emplace_back(name);
    for (const auto* name :
         {"Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm",
          "Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires", "Upload-Complete",
          "Upload-Incomplete", "Upload-Limit", "Upload-Defer-Length", "Upload-Draft-Interop-Version"})
        wider.exposed.emplace_back(name);
    wider.max_age = 86'400;
    return wider;
}

using Handle = void (*)(const ResumableApi&, http::Request, http::Responder);

struct Place {
    std::string_view name;  ///< of the route
    std::string_view allow;
    Handle handle;
};

constexpr Place kPlace{"/u/{token}/r", "POST, OPTIONS", handle_place};
constexpr Place kUpload{"/u/{token}/r/{id}", "POST, PUT, PATCH, HEAD, DELETE, OPTIONS", handle_upload};
constexpr std::array<std::string_view, 5> kParameters{"", "token", "", "id", "beginning"};

/// What a path names; null where it is none of ours.
const Place* place_of(const std::vector<std::string>& path) {
    if (path.size() < 3 || path.size() > kParameters.size() || path[0] != "u" || path[2] != "r")
        return nullptr;
    for (const auto& segment : path) {
        if (segment.empty()) return nullptr;
    }
    return path.size() == 3 ? &kPlace : &kUpload;
}

bool allows(std::string_view allow, std::string_view method) {
    return (", " + std::string{allow} + ", ").find(", " + std::string{method} + ", ") != std::string::npos;
}

}  // namespace

ResumableMetrics::ResumableMetrics(telemetry::Metrics& metrics)
    : bytes(metrics.counter(
          {"photogate_resumable_bytes_total", "Bytes of resumable uploads that were acknowledged.", {}})),
      chunks(
          metrics.counter({"photogate_resumable_chunks_total", "Chunks that these bytes were kept in.", {}})),
      received(metrics.counter(
          {"photogate_resumable_received_total", "Resumable uploads whose last byte has come.", {}})),
      interrupted(metrics.counter({"photogate_resumable_interrupted_total",
                                   "Connections of resumable uploads that ended before their content did.",
                                   {}})),
      fenced(metrics.counter({"photogate_resumable_fenced_total",
                              "Connections whose bytes were not taken because a newer one had the upload.",
                              {}})) {}

void watch(telemetry::Metrics& metrics, const Holders& holders, const access::ClientPlaces& places) {
    using Limit = access::ClientPlaces::Limit;
    const auto refused = [&](Limit limit) {
        return metrics.mirrored_counter(
            {"photogate_resumable_refused_total",
             "Requests to send a resumable upload that were refused, by the limit that they met.",
             {{"limit", to_string(limit)}}});
    };
    metrics.before_render(
        [&holders, &places,
         held = metrics.gauge(
             {"photogate_resumable_connections", "Connections that are sending resumable uploads.", {}}),
         of_tokens = refused(Limit::token), of_addresses = refused(Limit::address)]() mutable {
            held.set(static_cast<double>(holders.held()));
            const auto counts = places.counts().refused;
            of_tokens.show(counts[static_cast<std::size_t>(Limit::token)]);
            of_addresses.show(counts[static_cast<std::size_t>(Limit::address)]);
        });
}

std::string resumable_url(const std::string& base, const std::string& credential, const UploadId& upload) {
    return base + "/u/" + credential + "/r/" + upload.str();
}

ResumableService::ResumableService(const ResumableApi& api, http::Service& rest)
    : api_(api), rest_(rest), cors_(with_upload_fields(api.cors)) {}

http::Admission ResumableService::admit(const http::RequestHead& head) {
    const Place* place = place_of(head.path);
    if (place == nullptr) return rest_.admit(head);
    http::Admission admission;
    admission.route_name = place->name;
    const CorsRequest page{head.headers.find("Origin"), http::to_string(head.method)};
    const auto preflight = head.method == http::Method::options && cors_ && page.origin
                               ? head.headers.find("Access-Control-Request-Method")
                               : std::nullopt;
    if (preflight) {
        const auto headers = head.headers.find("Access-Control-Request-Headers").value_or("");
        admission.headers = preflight_fields(*cors_, {page.origin, *preflight, headers}, place->allow);
        auto response = http::Response::empty(204);
        response.set("Allow", place->allow);
        admission.refusal = std::move(response);
        return admission;
    }
    if (cors_) admission.headers = cors_fields({&*cors_, 1}, page);
    if (!allows(place->allow, http::to_string(head.method))) {
        admission.headers.push_back({"Allow", std::string{place->allow}});
        admission.refusal = Error{
            ErrorCode::method_not_allowed, "this path takes " + std::string{place->allow}, {}, std::nullopt};
        return admission;
    }
    for (std::size_t i = 0; i < head.path.size(); ++i) {
        if (!kParameters[i].empty()) admission.parameters.push_back({kParameters[i], head.path[i]});
    }
    // Whose rates count. Who shows no token of ours is refused by the handler, in the words of the protocol.
    if (!access::looks_like_upload_ticket(head.path[1])) {
        if (auto bearer = api_.bearer(head, admission.parameters)) admission.principal = std::move(*bearer);
    }
    admission.body_mode = http::BodyMode::pieces;
    admission.body_limit = kMostContent;
    admission.handler = [this, place](http::Request request, http::Responder responder) {
        place->handle(api_, std::move(request), std::move(responder));
    };
    return admission;
}

}  // namespace photogate::gateway::resumable
