#include "gateway/s3/service.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.hpp"
#include "gateway/s3/form.hpp"
#include "gateway/s3/offered.hpp"
#include "gateway/s3/operations.hpp"

namespace photogate::gateway::s3 {

namespace {

/// A key of 1,024 bytes, each written as three, plus a signature and a session token.
constexpr std::size_t kLongestTarget = 8'192;
constexpr std::size_t kHeaderBlock = 16'384;
/// S3's limit for one PUT, plus the overhead of a form or of signed chunks.
constexpr std::uint64_t kLargestBody = (5ULL << 30) + (64ULL << 20);

/// What the head alone says of a request.
struct Known {
    Address address;
    std::optional<Operation> operation;  ///< none: a preflight
    std::optional<S3Error> error;
};

void dispatch(Dependencies& dependencies, CallPtr call) {
    switch (call->operation) {
        case Operation::list_buckets:
            return list_buckets(dependencies, std::move(call));
        case Operation::create_bucket:
            return create_bucket(dependencies, std::move(call));
        case Operation::delete_bucket:
            return delete_bucket(dependencies, std::move(call));
        case Operation::head_bucket:
        case Operation::bucket_location:
        case Operation::bucket_setting:
        case Operation::get_notification:
            return see_bucket(dependencies, std::move(call));
        case Operation::put_notification:
            return put_notification(dependencies, std::move(call));
        case Operation::list_objects:
        case Operation::list_objects_v2:
        case Operation::list_versions:
            return list_objects(dependencies, std::move(call));
        case Operation::list_uploads:
            return list_uploads(dependencies, std::move(call));
        case Operation::delete_objects:
            return delete_objects(dependencies, std::move(call));
        case Operation::post_form:
            return post_form(dependencies, std::move(call));
        case Operation::get_object:
        case Operation::head_object:
            return read_object(dependencies, std::move(call));
        case Operation::object_setting:
            return object_setting(dependencies, std::move(call));
        case Operation::put_object_tagging:
            return put_object_tagging(dependencies, std::move(call));
        case Operation::delete_object_tagging:
            return delete_object_tagging(dependencies, std::move(call));
        case Operation::put_bucket_cors:
            return put_bucket_cors(dependencies, std::move(call));
        case Operation::delete_bucket_cors:
            return delete_bucket_cors(dependencies, std::move(call));
        case Operation::put_bucket_tagging:
            return put_bucket_tagging(dependencies, std::move(call));
        case Operation::delete_bucket_tagging:
            return delete_bucket_tagging(dependencies, std::move(call));
        case Operation::get_object_attributes:
            return get_object_attributes(dependencies, std::move(call));
        case Operation::put_object:
            return put_object(dependencies, std::move(call));
        case Operation::copy_object:
            return copy_object(dependencies, std::move(call));
        case Operation::delete_object:
            return delete_object(dependencies, std::move(call));
        case Operation::create_upload:
            return create_upload(dependencies, std::move(call));
        case Operation::put_part:
            return put_part(dependencies, std::move(call));
        case Operation::copy_part:
            return copy_part(dependencies, std::move(call));
        case Operation::list_parts:
            return list_parts(dependencies, std::move(call));
        case Operation::complete_upload:
            return complete_upload(dependencies, std::move(call));
        case Operation::abort_upload:
            return abort_upload(dependencies, std::move(call));
    }
}

/// Signed by Signature Version 2: the default of old clients for presigned URLs.
bool is_version_2(const Call& call) {
    const auto authorization = call.request.headers.find("Authorization");
    return (call.address.has("AWSAccessKeyId") && call.address.has("Signature")) ||
           (authorization && authorization->starts_with("AWS "));
}

/// Identifies the caller by the signature, and finds its permissions.
S3Result<> verify(Dependencies& dependencies, Call& call) {
    std::vector<photogate::http::semantics::FieldView> headers;
    headers.reserve(call.request.headers.size());
    for (std::size_t i = 0; i < call.request.headers.size(); ++i)
        headers.push_back(call.request.headers.at(i));
    auto verified = dependencies.verifier.verify(signer::ReceivedRequest{
        http::to_string(call.request.method), call.request.target, headers, dependencies.clock.now()});
    if (!verified) {
        const bool in_query = call.address.has("X-Amz-Signature") || call.address.has("X-Amz-Credential");
        if (is_version_2(call))
            return refuse(Code::InvalidRequest,
                          "The authorization mechanism you have provided is not supported. Please use "
                          "AWS4-HMAC-SHA256.");
        S3Error error = of(verified.error(), in_query ? SignedIn::query : SignedIn::header);
        // SDKs learn the region from this and repeat the request.
        if (verified.error().fault == signer::SignatureFault::wrong_scope)
            error.region = dependencies.options.region.str();
        return refuse(std::move(error));
    }
    call.verified = std::move(*verified);
    const auto known = dependencies.permissions.find(call.verified.access_key_id);
    if (known != dependencies.permissions.end()) call.permissions = &known->second;
    return {};
}

/// AWS tells the encryption of an object wherever it writes or reads one.
bool is_about_bytes(Operation operation) {
    switch (operation) {
        case Operation::get_object:
        case Operation::head_object:
        case Operation::put_object:
        case Operation::copy_object:
        case Operation::post_form:
        case Operation::create_upload:
        case Operation::put_part:
        case Operation::copy_part:
        case Operation::complete_upload:
            return true;
        default:
            return false;
    }
}

/// Nothing that the request asks for may be dropped in silence.
S3Result<> check_asked(const Dependencies& dependencies, const Call& call) {
    const Offer offer{call.operation, dependencies.options.encrypted_disk};
    for (std::size_t i = 0; i < call.request.headers.size(); ++i) {
        const auto field = call.request.headers.at(i);
        if (auto offered = check_offered(field.name, field.value, offer); !offered)
            return refuse(offered.error());
    }
    for (const auto& [name, value] : call.address.query) {
        if (auto offered = check_offered(name, value, offer); !offered) return refuse(offered.error());
    }
    return {};
}

S3Result<> permit(const Dependencies& dependencies, const Call& call) {
    const AccessRequest request{action_of(call.operation),
                                call.address.bucket ? &*call.address.bucket : nullptr,
                                call.address.key ? &*call.address.key : nullptr};
    if (call.permissions == nullptr || !permits(*call.permissions, request))
        return refuse(Code::AccessDenied);
    return check_asked(dependencies, call);
}

void handle(Dependencies& dependencies, Known known, http::Request request, http::Responder responder) {
    auto call = std::make_shared<Call>(Call{std::move(request),
                                            std::move(responder),
                                            std::move(known.address),
                                            known.operation.value_or(Operation::list_buckets),
                                            {},
                                            nullptr});
    if (call->request.method == http::Method::options) {
        return call->reply(dependencies.cors.preflight(call->address.bucket, call->request));
    }
    if (known.error) {
        // A caller without permission does not learn what is wrong with the request, except what it can see
        // itself.
        return call->refuse(*known.error);
    }
    call->tells_encryption = dependencies.options.encrypted_disk && is_about_bytes(call->operation);
    if (call->operation == Operation::post_form) return dispatch(dependencies, std::move(call));
    if (auto verified = verify(dependencies, *call); !verified) return call->refuse(verified.error());
    if (auto permitted = permit(dependencies, *call); !permitted) return call->refuse(permitted.error());
    dispatch(dependencies, std::move(call));
}

}  // namespace

Service::Service(ServiceOptions options, storage::builtin::FolderStore& store, http::WorkPool& pool,
                 const Clock& clock) {
    std::vector<signer::Credentials> credentials;
    std::map<std::string, Permissions> permissions;
    for (const Caller& caller : options.callers) {
        credentials.push_back(caller.credentials);
        // One key with two roles has the permissions of both, for an operator who uses one key for
        // everything.
        auto& granted = permissions[caller.credentials.access_key_id];
        granted.insert(granted.end(), caller.permissions.begin(), caller.permissions.end());
    }
    signer::Verifier verifier{std::move(credentials), options.region};
    const std::vector<std::string> origins = options.cors_origins;
    dependencies_.reset(new Dependencies{std::move(options), store, clock, std::move(verifier),
                                         std::move(permissions), BucketCors{store, origins},
                                         http::WorkGroup{pool}});
}

Service::~Service() = default;

http::HeadLimits Service::head_limits(const http::HeadLimits& general) const {
    http::HeadLimits limits = general;
    limits.target = std::max(limits.target, kLongestTarget);
    limits.bytes = std::max(limits.bytes, kLongestTarget + kHeaderBlock);
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
    admission.body_deadline = dependencies_->options.body_deadline;
    auto address = head.target == "*" ? S3Result<Address>{Address{}}
                                      : read_address(head.target, head.headers.find("Host").value_or(""),
                                                     dependencies_->options.domains);
    if (!address) {
        known.error = std::move(address.error());
    } else {
        known.address = std::move(*address);
        if (head.method != http::Method::options) {
            auto operation = operation_of(head, known.address);
            if (operation) {
                known.operation = *operation;
                if (*operation == Operation::post_form)
                    admission.body_deadline = std::min(dependencies_->options.fields_deadline,
                                                       dependencies_->options.body_deadline);
                admission.route_name = name_of(*operation);
            } else {
                known.error = std::move(operation.error());
            }
        }
    }
    admission.headers = dependencies_->cors.fields(known.address.bucket, head);
    admission.handler = [this, known = std::move(known)](http::Request request,
                                                         http::Responder responder) mutable {
        handle(*dependencies_, std::move(known), std::move(request), std::move(responder));
    };
    return admission;
}

}  // namespace photogate::gateway::s3
