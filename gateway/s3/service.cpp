#include "gateway/s3/service.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.hpp"
#include "gateway/s3/cors.hpp"
#include "gateway/s3/form.hpp"
#include "gateway/s3/parts.hpp"

namespace photogate::gateway::s3 {

namespace {

/// A key of 1,024 bytes, each written as three, with a signature and a session token behind it.
constexpr std::size_t kLongestTarget = 8'192;
constexpr std::size_t kHeaderBlock = 16'384;
/// S3's own limit for one PUT, and room for the words of a form or of signed chunks around it.
constexpr std::uint64_t kLargestBody = (5ULL << 30) + (64ULL << 20);

/// What admit() read, on its way to handle().
struct Known {
    Address address;
    std::optional<Operation> operation;  ///< none: a preflight
    std::optional<S3Error> error;
};

/// Headers by which a client asks for a part of S3 that is not here: passing over them would be a lie.
const S3Error* unoffered(const http::RequestHead& head) {
    static const S3Error error{Code::NotImplemented,
                               "A header you provided implies functionality that is not implemented."};
    static constexpr std::array<std::string_view, 6> beginnings = {
        "x-amz-server-side-encryption",
        "x-amz-object-lock-",
        "x-amz-tagging",
        "x-amz-website-",
        "x-amz-grant-",
        "x-amz-copy-source-server-side-encryption"};
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
        const auto name = head.headers.at(i).name;
        for (const auto beginning : beginnings) {
            if (name.size() >= beginning.size() &&
                http::equal_ignoring_case(name.substr(0, beginning.size()), beginning) &&
                !http::equal_ignoring_case(name, "x-amz-tagging-directive"))
                return &error;
        }
    }
    const auto storage = head.headers.find("x-amz-storage-class");
    return storage && *storage != "STANDARD" ? &error : nullptr;
}

void dispatch(Parts& parts, CallPtr call) {
    switch (call->operation) {
        case Operation::list_buckets:
            return list_buckets(parts, std::move(call));
        case Operation::create_bucket:
            return create_bucket(parts, std::move(call));
        case Operation::delete_bucket:
            return delete_bucket(parts, std::move(call));
        case Operation::head_bucket:
        case Operation::bucket_location:
        case Operation::bucket_setting:
        case Operation::get_notification:
            return see_bucket(parts, std::move(call));
        case Operation::put_notification:
            return put_notification(parts, std::move(call));
        case Operation::list_objects:
        case Operation::list_objects_v2:
        case Operation::list_versions:
            return list_objects(parts, std::move(call));
        case Operation::list_uploads:
            return list_uploads(parts, std::move(call));
        case Operation::delete_objects:
            return delete_objects(parts, std::move(call));
        case Operation::post_form:
            return post_form(parts, std::move(call));
        case Operation::get_object:
        case Operation::head_object:
            return read_object(parts, std::move(call));
        case Operation::object_setting:
            return object_setting(parts, std::move(call));
        case Operation::put_object:
            return put_object(parts, std::move(call));
        case Operation::copy_object:
            return copy_object(parts, std::move(call));
        case Operation::delete_object:
            return delete_object(parts, std::move(call));
        case Operation::create_upload:
            return create_upload(parts, std::move(call));
        case Operation::put_part:
            return put_part(parts, std::move(call));
        case Operation::copy_part:
            return copy_part(parts, std::move(call));
        case Operation::list_parts:
            return list_parts(parts, std::move(call));
        case Operation::complete_upload:
            return complete_upload(parts, std::move(call));
        case Operation::abort_upload:
            return abort_upload(parts, std::move(call));
    }
}

/// Who calls, by the signature; the permissions of whom that is.
S3Result<> verify(Parts& parts, Call& call) {
    std::vector<signer::Header> headers;
    headers.reserve(call.request.headers.size());
    for (std::size_t i = 0; i < call.request.headers.size(); ++i) {
        const auto field = call.request.headers.at(i);
        headers.push_back({std::string{field.name}, std::string{field.value}});
    }
    auto verified = parts.verifier.verify(signer::ReceivedRequest{
        http::to_string(call.request.method), call.request.target, headers, parts.clock.now()});
    if (!verified) {
        const bool in_query = call.address.has("X-Amz-Signature") || call.address.has("X-Amz-Credential");
        return refuse(of(verified.error(), in_query ? SignedIn::query : SignedIn::header));
    }
    call.verified = std::move(*verified);
    const auto known = parts.permissions.find(call.verified.access_key_id);
    if (known != parts.permissions.end()) call.permissions = &known->second;
    return {};
}

S3Result<> permit(const Call& call) {
    const Deed deed{action_of(call.operation), call.address.bucket ? &*call.address.bucket : nullptr,
                    call.address.key ? &*call.address.key : nullptr};
    if (call.permissions == nullptr || !permits(*call.permissions, deed)) return refuse(Code::AccessDenied);
    if (unoffered(call.request)) return refuse(*unoffered(call.request));
    return {};
}

}  // namespace

Service::Service(ServiceOptions options, storage::objects::FolderStore& store, http::WorkPool& pool,
                 const Clock& clock) {
    std::vector<signer::Credentials> credentials;
    std::map<std::string, Permissions> permissions;
    for (const Caller& caller : options.callers) {
        credentials.push_back(caller.credentials);
        // One key with two roles has the rights of both: an operator who insists on one key for all.
        auto& granted = permissions[caller.credentials.access_key_id];
        granted.insert(granted.end(), caller.permissions.begin(), caller.permissions.end());
    }
    signer::Verifier verifier{std::move(credentials), options.region};
    parts_ = std::make_unique<Parts>(
        Parts{std::move(options), store, pool, clock, std::move(verifier), std::move(permissions)});
}

Service::~Service() = default;

http::HeadLimits Service::head_limits(const http::HeadLimits& general) const {
    http::HeadLimits limits = general;
    limits.target = std::max(limits.target, kLongestTarget);
    limits.header_block = std::max(limits.header_block, kHeaderBlock);
    limits.target_rule = http::TargetRule::opaque;
    return limits;
}

void Service::word(http::Response& response, const http::ErrorContext& context) const {
    const S3Error error = of(std::get<Error>(response.body));
    response.status = status_of(error.code);
    response.set("Content-Type", "application/xml");
    response.set("x-amz-request-id", context.request_id);
    response.body = error_document(error, {.resource = context.path, .request_id = context.request_id});
}

http::Admission Service::admit(const http::RequestHead& head) {
    Known known;
    http::Admission admission;
    admission.route_name = "s3._none";
    admission.body_mode = http::BodyMode::pieces;
    admission.body_limit = kLargestBody;
    admission.body_deadline = parts_->options.body_deadline;
    admission.headers = cors_headers(parts_->options.cors_origins, head);
    auto address = head.target == "*" ? S3Result<Address>{Address{}}
                                      : read_address(head.target, head.headers.find("Host").value_or(""),
                                                     parts_->options.domains);
    if (!address) {
        known.error = std::move(address.error());
    } else {
        known.address = std::move(*address);
        if (head.method != http::Method::options) {
            auto operation = operation_of(head, known.address);
            if (operation) {
                known.operation = *operation;
                admission.route_name = name_of(*operation);
            } else {
                known.error = std::move(operation.error());
            }
        }
    }
    admission.caller = std::move(known);
    return admission;
}

void Service::handle(std::size_t, http::Request request, http::Responder responder) {
    auto known = std::any_cast<Known>(std::move(request.caller));
    auto call = std::make_shared<Call>(Call{std::move(request),
                                            std::move(responder),
                                            std::move(known.address),
                                            known.operation.value_or(Operation::list_buckets),
                                            {},
                                            nullptr});
    if (call->request.method == http::Method::options)
        return call->answer(preflight(parts_->options.cors_origins, call->request));
    if (known.error) {
        // Who may not ask does not learn what is wrong with the question, but for what he sees himself.
        return call->refuse(*known.error);
    }
    if (call->operation == Operation::post_form) return dispatch(*parts_, std::move(call));
    if (auto verified = verify(*parts_, *call); !verified) return call->refuse(verified.error());
    if (auto permitted = permit(*call); !permitted) return call->refuse(permitted.error());
    dispatch(*parts_, std::move(call));
}

}  // namespace photogate::gateway::s3
