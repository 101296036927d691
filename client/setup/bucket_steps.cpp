#include "client/setup/bucket_steps.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "client/setup/policy_text.hpp"
#include "client/setup/xml_text.hpp"

namespace photogate::client::setup {
namespace {

/// What S3 answers for a sub-resource that nobody has set.
constexpr std::string_view kAbsent[] = {"NoSuchBucketPolicy", "NoSuchCORSConfiguration",
                                        "NoSuchLifecycleConfiguration",
                                        "NoSuchPublicAccessBlockConfiguration", "NoSuchBucket"};

constexpr const char* kSwitches[] = {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                     "RestrictPublicBuckets"};

/// A topic that was just made is not known to S3 at once.
constexpr int kTries = 6;
constexpr std::chrono::seconds kPause{2};

bool contains(const std::vector<std::string>& texts, std::string_view text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
}

bool rule_serves(const std::string& rule, const std::string& origin) {
    const auto origins = texts_in(rule, "CORSRule/AllowedOrigin");
    const auto methods = texts_in(rule, "CORSRule/AllowedMethod");
    return (contains(origins, origin) || contains(origins, "*")) && contains(methods, "PUT") &&
           contains(methods, "POST") && contains(texts_in(rule, "CORSRule/AllowedHeader"), "*");
}

bool rule_expires_all_multiparts(const std::string& rule) {
    return text_in(rule, "Rule/Status") == "Enabled" &&
           has_element(rule, "Rule/AbortIncompleteMultipartUpload/DaysAfterInitiation") &&
           text_in(rule, "Rule/Prefix").empty() && text_in(rule, "Rule/Filter/Prefix").empty() &&
           !has_element(rule, "Rule/Filter/And") && !has_element(rule, "Rule/Filter/Tag");
}

/// Of the filter; S3 spells the name in either case.
std::string prefix_of(const std::string& rule) {
    for (const auto& filter : elements_in(rule, "TopicConfiguration/Filter/S3Key/FilterRule")) {
        const auto name = text_in(filter, "FilterRule/Name");
        if (name == "prefix" || name == "Prefix") return text_in(filter, "FilterRule/Value");
    }
    return {};
}

bool announces(const std::string& rule, const BucketSteps::Notification& wanted) {
    return text_in(rule, "TopicConfiguration/Topic") == wanted.topic &&
           contains(texts_in(rule, "TopicConfiguration/Event"), "s3:ObjectCreated:*") &&
           prefix_of(rule) == wanted.prefix;
}

}  // namespace

void BucketSteps::add(std::string what, bool already, std::string how, std::function<Result<>()> apply) {
    Step step{std::move(what), Standing::already, {}, {}};
    if (!already) {
        step.standing = Standing::to_do;
        step.how = std::move(how);
        step.apply = std::move(apply);
    }
    steps_.push_back(std::move(step));
}

Result<std::string> BucketSteps::document(const Bucket& bucket, const std::string& name) const {
    if (!there_.contains(bucket.str())) return std::string{};
    auto answer = s3_.call({.bucket = bucket, .query = {{name, ""}}});
    if (answer) return std::move(answer->body);
    for (const auto code : kAbsent) {
        if (says(answer.error(), code)) return std::string{};
    }
    return fail(answer.error().code,
                fmt::format("bucket {}, ?{}: {}", bucket.str(), name, answer.error().detail));
}

Result<> BucketSteps::put(const Bucket& bucket, const std::string& name, const std::string& body) const {
    const auto done =
        s3_.call({.method = "PUT", .bucket = bucket, .query = {{name, ""}}, .headers = {}, .body = body});
    if (!done) return fail(done.error());
    return {};
}

Result<> BucketSteps::made(const Bucket& bucket, const Region& region, Location location) {
    if (s3_.can_sign()) {
        const auto answer = s3_.send({.method = "HEAD", .bucket = bucket});
        if (!answer) return fail(answer.error());
        const auto* elsewhere = answer->header("x-amz-bucket-region");
        if (answer->status == 200) {
            there_.insert(bucket.str());
        } else if (elsewhere != nullptr && *elsewhere != region.str() && answer->status != 404) {
            return fail(ErrorCode::store_refused, fmt::format("the bucket {} is in the region {}, not in {}",
                                                              bucket.str(), *elsewhere, region.str()));
        } else if (answer->status == 403) {
            return fail(ErrorCode::store_refused,
                        fmt::format("the bucket {} is somebody else's, or this key may not see it: choose "
                                    "another name (--name, or the configuration's)",
                                    bucket.str()));
        } else if (answer->status != 404) {
            return fail(ErrorCode::store_refused,
                        fmt::format("the bucket {}: status {}", bucket.str(), answer->status));
        }
    }
    std::string body;
    if (location == Location::said && region.str() != "us-east-1") {
        body = document_of("CreateBucketConfiguration",
                           {fmt::format("<LocationConstraint>{}</LocationConstraint>", region.str())});
    }
    add(fmt::format("bucket {}", bucket.str()), there_.contains(bucket.str()),
        fmt::format("aws s3api create-bucket --bucket {}", bucket.str()), [this, bucket, body]() -> Result<> {
            const auto done =
                s3_.call({.method = "PUT", .bucket = bucket, .query = {}, .headers = {}, .body = body});
            if (!done) return fail(done.error());
            return {};
        });
    return {};
}

Result<> BucketSteps::public_access_blocked(const Bucket& bucket) {
    const auto found = document(bucket, "publicAccessBlock");
    if (!found) return fail(found.error());
    bool all = true;
    std::vector<std::string> switches;
    for (const auto* name : kSwitches) {
        all = all && text_in(*found, fmt::format("PublicAccessBlockConfiguration/{}", name)) == "true";
        switches.push_back(fmt::format("<{0}>true</{0}>", name));
    }
    add(fmt::format("public access to {} blocked", bucket.str()), all,
        fmt::format("aws s3api put-public-access-block --bucket {} …", bucket.str()),
        [this, bucket, body = document_of("PublicAccessBlockConfiguration", switches)] {
            return put(bucket, "publicAccessBlock", body);
        });
    return {};
}

Result<> BucketSteps::closed(const Bucket& bucket) {
    const auto acl = document(bucket, "acl");
    if (!acl) return fail(acl.error());
    const auto policy = document(bucket, "policy");
    if (!policy) return fail(policy.error());
    const auto groups = texts_in(*acl, "AccessControlPolicy/AccessControlList/Grant/Grantee/URI");
    const bool open_acl = !groups.empty();
    const bool open_policy = lets_everybody_in(*policy);
    add(fmt::format("bucket {} closed to strangers", bucket.str()), !open_acl && !open_policy,
        fmt::format(
            "anyone may read or write it: {}{}",
            open_acl ? fmt::format("aws s3api put-bucket-acl --acl private --bucket {}; ", bucket.str()) : "",
            open_policy ? fmt::format("aws s3api delete-bucket-policy --bucket {}", bucket.str()) : ""),
        [this, bucket, open_acl, open_policy]() -> Result<> {
            if (open_acl) {
                const auto done = s3_.call({.method = "PUT",
                                            .bucket = bucket,
                                            .query = {{"acl", ""}},
                                            .headers = {{"x-amz-acl", "private"}}});
                if (!done) return fail(done.error());
            }
            if (open_policy) {
                const auto done = s3_.call({.method = "DELETE", .bucket = bucket, .query = {{"policy", ""}}});
                if (!done) return fail(done.error());
            }
            return {};
        });
    return {};
}

Result<> BucketSteps::with_policy(const Bucket& bucket, const std::string& policy) {
    const auto found = document(bucket, "policy");
    if (!found) return fail(found.error());
    add(fmt::format("policy of bucket {}", bucket.str()), same_policy(*found, policy),
        fmt::format("{}aws s3api put-bucket-policy --bucket {} …",
                    found->empty() ? "" : "in place of the one that is there: ", bucket.str()),
        [this, bucket, policy] { return put(bucket, "policy", policy); });
    return {};
}

Result<> BucketSteps::open_to_pages(const Bucket& bucket, const std::vector<std::string>& origins) {
    const auto found = document(bucket, "cors");
    if (!found) return fail(found.error());
    auto rules = elements_in(*found, "CORSConfiguration/CORSRule");
    std::string missing;
    for (const auto& origin : origins) {
        if (std::none_of(rules.begin(), rules.end(),
                         [&](const std::string& rule) { return rule_serves(rule, origin); }))
            missing += fmt::format("<AllowedOrigin>{}</AllowedOrigin>", escaped(origin));
    }
    rules.push_back(fmt::format(
        "<CORSRule>{}<AllowedMethod>PUT</AllowedMethod><AllowedMethod>POST</AllowedMethod><AllowedHeader>*</"
        "AllowedHeader><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3600</MaxAgeSeconds></CORSRule>",
        missing));
    add(fmt::format("pages of {} may upload to {}", fmt::join(origins, ", "), bucket.str()), missing.empty(),
        fmt::format("aws s3api put-bucket-cors --bucket {} …", bucket.str()),
        [this, bucket, body = document_of("CORSConfiguration", rules)] { return put(bucket, "cors", body); });
    return {};
}

Result<> BucketSteps::multiparts_expire(const Bucket& bucket, int days) {
    const auto found = document(bucket, "lifecycle");
    if (!found) return fail(found.error());
    auto rules = elements_in(*found, "LifecycleConfiguration/Rule");
    const bool already = std::any_of(rules.begin(), rules.end(), rule_expires_all_multiparts);
    rules.push_back(fmt::format(
        "<Rule><ID>photogate-multipart</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status>"
        "<AbortIncompleteMultipartUpload><DaysAfterInitiation>{}</DaysAfterInitiation></"
        "AbortIncompleteMultipartUpload></Rule>",
        days));
    add(fmt::format("unfinished multipart uploads of {} end after {} days", bucket.str(), days), already,
        fmt::format("aws s3api put-bucket-lifecycle-configuration --bucket {} …", bucket.str()),
        [this, bucket, body = document_of("LifecycleConfiguration", rules)] {
            return put(bucket, "lifecycle", body);
        });
    return {};
}

Result<> BucketSteps::announced(const Bucket& bucket, const Notification& wanted) {
    const auto found = document(bucket, "notification");
    if (!found) return fail(found.error());
    std::vector<std::string> kept;
    bool already = false;
    for (const auto* kind : {"TopicConfiguration", "QueueConfiguration", "CloudFunctionConfiguration",
                             "EventBridgeConfiguration"}) {
        for (auto& rule : elements_in(*found, fmt::format("NotificationConfiguration/{}", kind))) {
            already = already || announces(rule, wanted);
            if (text_in(rule, "TopicConfiguration/Id") != wanted.id) kept.push_back(std::move(rule));
        }
    }
    kept.push_back(fmt::format(
        "<TopicConfiguration><Id>{}</Id><Topic>{}</Topic><Event>s3:ObjectCreated:*</Event><Filter><S3Key><"
        "FilterRule><Name>prefix</Name><Value>{}</Value></FilterRule></S3Key></Filter></TopicConfiguration>",
        escaped(wanted.id), escaped(wanted.topic), escaped(wanted.prefix)));
    add(fmt::format("uploads to {} announced to the topic", bucket.str()), already,
        fmt::format("aws s3api put-bucket-notification-configuration --bucket {} …", bucket.str()),
        [this, bucket, body = document_of("NotificationConfiguration", kept)]() -> Result<> {
            for (int tries = 1;; ++tries) {
                auto done = put(bucket, "notification", body);
                if (done || tries == kTries || !says(done.error(), "InvalidArgument")) return done;
                std::this_thread::sleep_for(kPause);
            }
        });
    return {};
}

}  // namespace photogate::client::setup
