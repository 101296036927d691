#include "storage/objects/remedies.hpp"

#include <fstream>
#include <iterator>
#include <utility>

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

TEST(Remedies, are_those_of_the_store) {
    Remedies remedies;
    remedies.arguments = "--config /etc/p.toml";
    remedies.endpoint = "https://store.example";
    EXPECT_EQ(remedies.closed(kPublic), "mc anonymous set none STORE/photogate-public");
    EXPECT_EQ(remedies.removal(kPublic, "u/probe/1/"),
              "mc rm --recursive --force STORE/photogate-public/u/probe/1/");
    const std::pair<Remedies::Store, std::string> kinds[] = {
        {Remedies::Store::aws, "aws"}, {Remedies::Store::ceph, "ceph"}, {Remedies::Store::r2, "r2"}};
    for (const auto& [store, kind] : kinds) {
        remedies.store = store;
        remedies.region = "default";
        const auto setup =
            "photogate setup " + kind +
            " --config /etc/p.toml   # with an administrator's key in the environment; by hand: "
            "docs/deploy/" +
            kind + ".md";
        EXPECT_EQ(remedies.signer(), setup);
        EXPECT_EQ(remedies.worker(kIncoming, kPublic, kOriginals), setup);
        EXPECT_EQ(remedies.events(kIncoming, "u/"), setup);
        EXPECT_THAT(remedies.closed(kPublic), Not(HasSubstr("mc ")));
        std::ifstream page{std::string{PHOTOGATE_SOURCE_DIR} + "/docs/deploy/" + kind + ".md"};
        EXPECT_TRUE(page) << kind;
        remedies.region = "eu";
        EXPECT_THAT(remedies.signer(), HasSubstr("docs/deploy/" + kind + ".md"));
        EXPECT_THAT(remedies.signer(), Not(HasSubstr("setup")));
    }
    remedies.store = Remedies::Store::aws;
    EXPECT_THAT(remedies.closed(kPublic),
                HasSubstr("aws s3api put-public-access-block --bucket photogate-public"));
    EXPECT_EQ(remedies.removal(kPublic, "u/probe/1/"),
              "aws s3 rm --recursive s3://photogate-public/u/probe/1/");
    remedies.store = Remedies::Store::ceph;
    EXPECT_EQ(remedies.removal(kPublic, "u/probe/1/"),
              "aws --endpoint-url https://store.example s3 rm --recursive s3://photogate-public/u/probe/1/");
}

}  // namespace
}  // namespace photogate::storage::objects
