// Buckets and what is set for them, and the settings that are always unset here.
#include <array>
#include <utility>

#include "gateway/s3/listing.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_documents.hpp"
#include "gateway/s3/tagging.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

namespace {

/// The only receiver of events.
constexpr std::string_view kGatewayArn = "arn:photogate:sqs::gateway:intake";

std::string acl_document() {
    Xml xml{"AccessControlPolicy"};
    add_owner(xml, "Owner");
    xml.open("AccessControlList").open("Grant");
    // s3cmd reads the grantee's type, an attribute.
    xml.open_with("Grantee",
                  "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"");
    xml.add("ID", "photogate").add("DisplayName", "photogate").close();
    xml.add("Permission", "FULL_CONTROL");
    return xml.done();
}

std::string encryption_document() {
    Xml xml{"ServerSideEncryptionConfiguration"};
    xml.open("Rule").open("ApplyServerSideEncryptionByDefault").add("SSEAlgorithm", "AES256");
    return xml.done();
}

S3Result<http::Response> bucket_tags(Dependencies& dependencies, const Call& call) {
    auto document = dependencies.store.buckets().document(call.bucket(), "tagging");
    if (!document) return refuse(of(document.error()));
    if (!*document) return refuse(Code::NoSuchTagSet);
    return xml_response(std::move(**document));
}

S3Result<http::Response> bucket_setting(Dependencies& dependencies, const Call& call) {
    if (call.address.has("tagging")) return bucket_tags(dependencies, call);
    if (call.address.has("cors")) {
        const auto rules = dependencies.cors.find(call.bucket());
        if (!rules) return refuse(Code::NoSuchCORSConfiguration);
        return xml_response(cors_document(*rules));
    }
    if (call.address.has("encryption") && dependencies.options.encrypted_disk)
        return xml_response(encryption_document());
    constexpr std::array<std::pair<std::string_view, Code>, 4> unset{{
        {"policy", Code::NoSuchBucketPolicy},
        {"lifecycle", Code::NoSuchLifecycleConfiguration},
        {"object-lock", Code::ObjectLockConfigurationNotFoundError},
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

S3Result<http::Response> seen(Dependencies& dependencies, const Call& call) {
    if (auto there = dependencies.store.buckets().check(call.bucket()); !there)
        return refuse(of(there.error()));
    switch (call.operation) {
        case Operation::bucket_location: {
            // us-east-1 is written as an empty element.
            const std::string& region = dependencies.options.region.str();
            Xml xml{"LocationConstraint"};
            if (region != "us-east-1") xml.text(region);
            return xml_response(xml.done());
        }
        case Operation::bucket_setting:
            return bucket_setting(dependencies, call);
        case Operation::get_notification: {
            const auto rules = dependencies.store.buckets().notifications(call.bucket());
            if (!rules) return refuse(of(rules.error()));
            return xml_response(notification_document(*rules));
        }
        default: {
            auto response = http::Response::empty(200);
            response.set("x-amz-bucket-region", dependencies.options.region.str());
            return response;
        }
    }
}

S3Result<http::Response> subscribed(Dependencies& dependencies, const Call& call,
                                    const std::string& document) {
    const auto rules = read_notification_request(document);
    if (!rules) return refuse(Code::UnsupportedNotification);
    for (const auto& rule : *rules) {
        if (rule.queue_arn != kGatewayArn)
            return refuse(
                Code::InvalidArgument,
                "A specified destination ARN does not exist or is not well-formed. The built-in store's is " +
                    std::string{kGatewayArn} + ".");
    }
    if (auto set = dependencies.store.buckets().set_notifications(call.bucket(), *rules); !set)
        return refuse(of(set.error()));
    return http::Response::empty(200);
}

S3Result<http::Response> made(Dependencies& dependencies, const Call& call, const std::string& document) {
    const auto wanted = read_location_constraint(document);
    if (!wanted) return refuse(Code::MalformedXML);
    if (!wanted->empty() && *wanted != dependencies.options.region.str())
        return refuse(Code::InvalidArgument,
                      "The specified location constraint is not this store's region, " +
                          dependencies.options.region.str() + ".");
    const auto bucket = dependencies.store.buckets().create(call.bucket());
    if (!bucket) return refuse(of(bucket.error()));
    if (*bucket == storage::builtin::BucketMade::existed) return refuse(Code::BucketAlreadyOwnedByYou);
    auto response = http::Response::empty(200);
    response.set("Location", "/" + call.bucket().str());
    return response;
}

}  // namespace

void with_document(Dependencies& dependencies, CallPtr call, std::size_t most,
                   S3Result<http::Response> (*handler)(Dependencies&, const Call&, const std::string&)) {
    auto promise = read_promise(call->request, call->verified);
    // Clients often send these as PUT without a body and a length.
    if (!promise && std::holds_alternative<http::NoBody>(call->request.framing)) promise = BodyPromise{};
    if (!promise) return call->refuse(promise.error());
    pump(
        call, dependencies.pool,
        document_sink(std::move(*promise), most, [&dependencies, call, handler](const std::string& document) {
            return handler(dependencies, *call, document);
        }));
}

void see_bucket(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call] { return seen(dependencies, *call); });
}

void put_notification(Dependencies& dependencies, CallPtr call) {
    with_document(dependencies, std::move(call), kMostRequestDocument, subscribed);
}

void create_bucket(Dependencies& dependencies, CallPtr call) {
    with_document(dependencies, std::move(call), kMostRequestDocument, made);
}

void delete_bucket(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto gone = dependencies.store.buckets().remove(call->bucket()); !gone)
            return refuse(of(gone.error()));
        dependencies.cors.forget(call->bucket());
        return http::Response::empty(204);
    });
}

void object_setting(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto known = check_version(*call); !known) return refuse(known.error());
        const auto object = dependencies.store.objects().stat(call->bucket(), call->key());
        if (!object) return refuse(of(object.error()));
        if (call->address.has("tagging")) return xml_response(tagging_document(object->headers.tags));
        if (call->address.has("acl")) return xml_response(acl_document());
        return refuse(Code::NoSuchObjectLockConfiguration);
    });
}

}  // namespace photogate::gateway::s3
