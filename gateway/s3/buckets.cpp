// Buckets themselves, and the settings that are always unset here.
#include <array>
#include <utility>

#include "gateway/s3/listing.hpp"
#include "gateway/s3/parts.hpp"
#include "gateway/s3/xml.hpp"
#include "storage/objects/s3_requests.hpp"

namespace photogate::gateway::s3 {

namespace {

/// The one receiver of events there is.
constexpr std::string_view kGatewayArn = "arn:photogate:sqs::gateway:intake";

std::string acl_document() {
    Xml xml{"AccessControlPolicy"};
    add_owner(xml, "Owner");
    // The grantee's type is an attribute, which Xml does not write; the canonical user is what is meant
    // without.
    xml.open("AccessControlList").open("Grant").open("Grantee").add("ID", "photogate").close();
    xml.add("Permission", "FULL_CONTROL");
    return xml.done();
}

S3Result<http::Response> bucket_setting(const Call& call) {
    constexpr std::array<std::pair<std::string_view, Code>, 6> unset{{
        {"policy", Code::NoSuchBucketPolicy},
        {"cors", Code::NoSuchCORSConfiguration},
        {"lifecycle", Code::NoSuchLifecycleConfiguration},
        {"object-lock", Code::ObjectLockConfigurationNotFoundError},
        {"tagging", Code::NoSuchTagSet},
        {"encryption", Code::ServerSideEncryptionConfigurationNotFoundError},
    }};
    for (const auto& [name, code] : unset) {
        if (call.address.has(name)) return refuse(code);
    }
    if (call.address.has("acl")) return xml_response(acl_document());
    return xml_response(Xml{"VersioningConfiguration"}.done());
}

std::string notification_document(const std::vector<storage::objects::NotificationRule>& rules) {
    Xml xml{"NotificationConfiguration"};
    for (const auto& rule : rules) {
        xml.open("QueueConfiguration").add("Id", rule.id).add("Queue", rule.queue_arn);
        for (const std::string& event : rule.events)
            xml.add("Event", event);
        if (!rule.prefix.empty()) {
            xml.open("Filter")
                .open("S3Key")
                .open("FilterRule")
                .add("Name", "prefix")
                .add("Value", rule.prefix);
            xml.close().close().close();
        }
        xml.close();
    }
    return xml.done();
}

S3Result<http::Response> seen(Parts& parts, const Call& call) {
    if (auto there = parts.store.check_bucket(call.bucket()); !there) return refuse(of(there.error()));
    switch (call.operation) {
        case Operation::bucket_location: {
            // us-east-1 is written as nothing.
            const std::string& region = parts.options.region.str();
            Xml xml{"LocationConstraint"};
            if (region != "us-east-1") xml.text(region);
            return xml_response(xml.done());
        }
        case Operation::bucket_setting:
            return bucket_setting(call);
        case Operation::get_notification: {
            const auto rules = parts.store.notifications(call.bucket());
            if (!rules) return refuse(of(rules.error()));
            return xml_response(notification_document(*rules));
        }
        default: {
            auto response = http::Response::empty(200);
            response.set("x-amz-bucket-region", parts.options.region.str());
            return response;
        }
    }
}

S3Result<http::Response> subscribed(Parts& parts, const Call& call, const std::string& document) {
    const auto rules = storage::objects::read_notification_request(document);
    if (!rules) return refuse(Code::UnsupportedNotification);
    for (const auto& rule : *rules) {
        if (rule.queue_arn != kGatewayArn)
            return refuse(
                Code::InvalidArgument,
                "A specified destination ARN does not exist or is not well-formed. The built-in store's is " +
                    std::string{kGatewayArn} + ".");
    }
    if (auto set = parts.store.set_notifications(call.bucket(), *rules); !set) return refuse(of(set.error()));
    return http::Response::empty(200);
}

S3Result<http::Response> made(Parts& parts, const Call& call, const std::string& document) {
    const auto wanted = storage::objects::read_location_constraint(document);
    if (!wanted) return refuse(Code::MalformedXML);
    if (!wanted->empty() && *wanted != parts.options.region.str())
        return refuse(Code::InvalidArgument,
                      "The specified location constraint is not this store's region, " +
                          parts.options.region.str() + ".");
    const auto bucket = parts.store.create_bucket(call.bucket());
    if (!bucket) return refuse(of(bucket.error()));
    if (*bucket == storage::objects::BucketMade::existed) return refuse(Code::BucketAlreadyOwnedByYou);
    auto response = http::Response::empty(200);
    response.set("Location", "/" + call.bucket().str());
    return response;
}

void with_document(Parts& parts, CallPtr call,
                   S3Result<http::Response> (*handler)(Parts&, const Call&, const std::string&)) {
    auto promise = read_promise(call->request, call->verified);
    // PUT without a body and without a length is common for these.
    if (!promise && std::holds_alternative<http::NoBody>(call->request.framing)) promise = BodyPromise{};
    if (!promise) return call->refuse(promise.error());
    pump(call, parts.pool,
         document_sink(std::move(*promise), storage::objects::kMostRequestDocument,
                       [&parts, call, handler](const std::string& document) {
                           return handler(parts, *call, document);
                       }));
}

}  // namespace

void see_bucket(Parts& parts, CallPtr call) {
    run(call, parts.pool, [&parts, call] { return seen(parts, *call); });
}

void put_notification(Parts& parts, CallPtr call) {
    with_document(parts, std::move(call), subscribed);
}

void create_bucket(Parts& parts, CallPtr call) {
    with_document(parts, std::move(call), made);
}

void delete_bucket(Parts& parts, CallPtr call) {
    run(call, parts.pool, [&parts, call]() -> S3Result<http::Response> {
        if (auto gone = parts.store.remove_bucket(call->bucket()); !gone) return refuse(of(gone.error()));
        return http::Response::empty(204);
    });
}

void object_setting(Parts& parts, CallPtr call) {
    run(call, parts.pool, [&parts, call]() -> S3Result<http::Response> {
        if (auto there = parts.store.stat(call->bucket(), call->key()); !there)
            return refuse(of(there.error()));
        if (call->address.has("tagging")) return xml_response(Xml{"Tagging"}.open("TagSet").done());
        if (call->address.has("acl")) return xml_response(acl_document());
        return refuse(Code::NoSuchObjectLockConfiguration);
    });
}

}  // namespace photogate::gateway::s3
