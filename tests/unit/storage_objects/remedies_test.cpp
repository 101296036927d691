#include "storage/objects/remedies.hpp"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/objects/policies.hpp"

namespace photogate::storage::objects {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Bucket kIncoming = Bucket::trusted("photogate-incoming");
const Bucket kPublic = Bucket::trusted("photogate-public");
const Bucket kOriginals = Bucket::trusted("photogate-originals");

std::string shipped(const std::string& name) {
    std::ifstream file{std::string{PHOTOGATE_SOURCE_DIR} + "/etc/minio/" + name};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(Policies, are_those_of_etc_minio_for_the_default_buckets) {
    EXPECT_EQ(signer_policy(kIncoming, "u/"), shipped("signer-policy.json"));
    EXPECT_EQ(worker_policy({kIncoming, kPublic, kOriginals}), shipped("worker-policy.json"));
}

TEST(Policies, name_the_configured_buckets_alone) {
    const Bucket mine = Bucket::trusted("mine");
    EXPECT_THAT(signer_policy(mine, "u/"), HasSubstr("arn:aws:s3:::mine/u/*"));
    const auto worker = worker_policy({mine, kPublic, Bucket::trusted("kept")});
    EXPECT_THAT(
        worker,
        HasSubstr("\"arn:aws:s3:::mine/*\", \"arn:aws:s3:::photogate-public/*\", \"arn:aws:s3:::kept/*\""));
    EXPECT_THAT(worker, Not(HasSubstr("photogate-incoming")));
    EXPECT_THAT(worker, Not(HasSubstr("@")));
}

TEST(Remedies, make_the_user_as_well_as_its_policy) {
    Remedies remedies;
    remedies.arguments = "--config '/etc/my photogate.toml'";
    remedies.signer_key = "sig";
    const auto text = remedies.signer();
    EXPECT_THAT(
        text,
        HasSubstr("photogate policy signer --region default --config '/etc/my photogate.toml' | mc admin "
                  "policy create STORE photogate-signer /dev/stdin"));
    EXPECT_THAT(text, HasSubstr("mc admin user add STORE sig \"$(photogate config get "
                                "regions.default.signer_secret_key --config '/etc/my photogate.toml')\""));
    EXPECT_THAT(text, HasSubstr("mc admin policy attach STORE photogate-signer --user sig"));
    EXPECT_THAT(remedies.worker(kIncoming, kPublic, kOriginals),
                HasSubstr("mc admin user add STORE WORKER_KEY"));
}

TEST(Remedies, name_the_event_targets_of_the_pages) {
    Remedies remedies;
    EXPECT_THAT(remedies.events(kIncoming, "u/"), HasSubstr("openssl rand"));
    remedies.event_source = "minio";
    remedies.event_endpoint = "http://127.0.0.1:8080/v1/events/minio";
    const auto text = remedies.events(kIncoming, "u/");
    for (const char* target : {"direct", "queued"}) {
        EXPECT_THAT(text, HasSubstr(std::string{"notify_webhook:"} + target));
        EXPECT_THAT(text, HasSubstr(std::string{"arn:minio:sqs::"} + target + ":webhook"));
        EXPECT_THAT(shipped("README.md"), HasSubstr(std::string{"arn:minio:sqs::"} + target + ":webhook"));
    }
}

}  // namespace
}  // namespace photogate::storage::objects
