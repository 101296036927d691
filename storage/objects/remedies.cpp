#include "storage/objects/remedies.hpp"

#include <fmt/format.h>

namespace photogate::storage::objects {
namespace {

/// As `photogate setup` and docs/deploy name it.
const char* name_of(Remedies::Store store) {
    switch (store) {
        case Remedies::Store::aws:
            return "aws";
        case Remedies::Store::ceph:
            return "ceph";
        case Remedies::Store::r2:
            return "r2";
        case Remedies::Store::minio:
            break;
    }
    return "minio";
}

}  // namespace

std::string Remedies::setup() const {
    const auto* kind = name_of(store);
    // That is the one region which it sets up.
    if (region != "default") return fmt::format("# docs/deploy/{}.md has the commands for this store", kind);
    return fmt::format("{}   # with an administrator's key in the environment; by hand: docs/deploy/{}.md",
                       call(fmt::format("setup {}", kind)), kind);
}

std::string Remedies::aws(const std::string& command) const {
    return endpoint.empty() || store == Store::aws
               ? "aws " + command
               : fmt::format("aws --endpoint-url {} {}", endpoint, command);
}

std::string Remedies::call(const std::string& command) const {
    return arguments.empty() ? fmt::format("{} {}", program, command)
                             : fmt::format("{} {} {}", program, command, arguments);
}

/// A policy made or replaced, and the user with its secret as configured.
std::string Remedies::user(const std::string& role, const std::string& key) const {
    return fmt::format(
        "{0} | mc admin policy create STORE photogate-{1} /dev/stdin && "
        "mc admin user add STORE {2} \"$({3})\" && "
        "mc admin policy attach STORE photogate-{1} --user {2}",
        call(fmt::format("policy {} --region {}", role, region)), role, key,
        call(fmt::format("config get regions.{}.{}_secret_key", region, role)));
}

std::string Remedies::signer() const {
    if (store != Store::minio) return setup();
    // A user that is removed loses whatever else it was allowed.
    return fmt::format("mc admin user remove STORE {} 2>/dev/null; {}", signer_key,
                       user("signer", signer_key));
}

std::string Remedies::worker(const Bucket& incoming, const Bucket& published, const Bucket& originals) const {
    if (store != Store::minio) return setup();
    return fmt::format("mc mb --ignore-existing STORE/{} STORE/{} STORE/{} && {}", incoming.str(),
                       published.str(), originals.str(), user("worker", worker_key));
}

std::string Remedies::events(const Bucket& incoming, const std::string& prefix) const {
    if (store != Store::minio) return setup();
    if (event_source.empty())
        return fmt::format(
            "openssl rand -hex 32 > event_tokens   # then in photogate.toml: [events.minio] with tokens_file "
            "= \"event_tokens\" and region = \"{}\"; restart photogate and run doctor again",
            region);
    const auto token = call(fmt::format("config get events.{}.tokens", event_source));
    std::string text;
    for (const char* target : {"direct", "queued"}) {
        text +=
            fmt::format("mc admin config set STORE notify_webhook:{} endpoint={} auth_token=\"$({})\"{} && ",
                        target, event_endpoint, token,
                        std::string_view{target} == "queued" ? " queue_dir=/var/lib/minio/events" : "");
    }
    text += "mc admin service restart --json STORE && mc ready STORE";
    for (const char* target : {"direct", "queued"}) {
        text += fmt::format(
            " && mc event add --ignore-existing STORE/{} arn:minio:sqs::{}:webhook --event put --prefix {}",
            incoming.str(), target, prefix);
    }
    return text + "   # MINIO_NOTIFY_WEBHOOK_* in MinIO's environment override these targets";
}

std::string Remedies::closed(const Bucket& bucket) const {
    switch (store) {
        case Store::minio:
            break;
        case Store::aws:
            return aws(
                fmt::format("s3api put-public-access-block --bucket {} --public-access-block-configuration "
                            "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,"
                            "RestrictPublicBuckets=true",
                            bucket.str()));
        case Store::ceph:
            return aws(fmt::format("s3api delete-bucket-policy --bucket {}", bucket.str())) + " && " +
                   aws(fmt::format("s3api put-bucket-acl --bucket {} --acl private", bucket.str()));
        case Store::r2:
            return fmt::format(
                "# switch the public access of {} off (its r2.dev URL and custom domains) in Cloudflare's "
                "dashboard",
                bucket.str());
    }
    return fmt::format("mc anonymous set none STORE/{}", bucket.str());
}

std::string Remedies::removal(const Bucket& bucket, const std::string& prefix) const {
    if (store == Store::minio)
        return fmt::format("mc rm --recursive --force STORE/{}/{}", bucket.str(), prefix);
    return aws(fmt::format("s3 rm --recursive s3://{}/{}", bucket.str(), prefix));
}

}  // namespace photogate::storage::objects
