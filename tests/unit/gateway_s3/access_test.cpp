#include "gateway/s3/access.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::s3 {
namespace {

const Bucket kIncoming = Bucket::trusted("incoming");
const Bucket kPublic = Bucket::trusted("public");

bool may(const Permissions& permissions, Action action, const Bucket& bucket, std::string_view key) {
    const ObjectKey object = ObjectKey::trusted(std::string{key});
    return permits(permissions, {action, &bucket, &object});
}

TEST(Access, allows_signer_only_puts_under_its_prefix) {
    const Permissions signer = put_only(kIncoming, "u/");
    EXPECT_TRUE(may(signer, Action::put_object, kIncoming, "u/a"));
    EXPECT_FALSE(may(signer, Action::put_object, kIncoming, "x/u/a"));
    EXPECT_FALSE(may(signer, Action::put_object, kIncoming, "u"));
    EXPECT_FALSE(may(signer, Action::put_object, kPublic, "u/a"));
    for (const Action action : {Action::get_object, Action::delete_object, Action::abort_upload,
                                Action::list_parts, Action::list_objects, Action::see_bucket})
        EXPECT_FALSE(may(signer, action, kIncoming, "u/a"));
    EXPECT_FALSE(permits(signer, {Action::put_object, &kIncoming, nullptr}));
    EXPECT_FALSE(permits(signer, {Action::list_buckets}));
}

TEST(Access, allows_worker_only_objects_of_its_buckets) {
    const Permissions worker = objects_of({kIncoming});
    EXPECT_TRUE(may(worker, Action::get_object, kIncoming, "u/a"));
    EXPECT_TRUE(permits(worker, {Action::list_objects, &kIncoming}));
    EXPECT_FALSE(may(worker, Action::get_object, kPublic, "u/a"));
    EXPECT_FALSE(permits(worker, {Action::delete_bucket, &kIncoming}));
    EXPECT_FALSE(permits(worker, {Action::list_buckets}));
}

TEST(Access, denies_everything_without_permission) {
    EXPECT_FALSE(may({}, Action::get_object, kIncoming, "u/a"));
    EXPECT_TRUE(permits(everything(), {Action::list_buckets}));
    EXPECT_TRUE(permits(everything(), {Action::delete_bucket, &kPublic}));
}

}  // namespace
}  // namespace photogate::gateway::s3
