// The start-up proof on a MinIO that is set up as etc/minio says, and on ones that are not.
#include "storage/objects/store_probe.hpp"

#include <algorithm>

#include "tests/integration/storage_objects/real_store.hpp"

namespace photogate::storage::objects {
namespace {

struct StoreProbe : test::RealStore {
    ProbeTarget target(const test::KeyPair& signer_key) const {
        ProbeTarget target;
        target.prefix = "u/";
        target.internal = *parse_endpoint(parts.s3_endpoint);
        target.public_end = target.internal;
        target.region = Region::trusted(parts.s3_region);
        target.signer = {signer_key.access, Secret{signer_key.secret}, std::nullopt};
        target.incoming = incoming;
        target.published = published;
        target.originals = originals;
        return target;
    }

    std::size_t left_behind() {
        std::size_t count = 0;
        for (const Bucket& bucket : {incoming, published, originals}) {
            for (const char* prefix : {"u/probe/", "probe/"}) {
                ListOptions options;
                options.prefix = prefix;
                count += store.list(bucket, options)->objects.size();
            }
        }
        return count;
    }

    /// A bucket policy, put as root; empty removes it.
    int set_policy(const Bucket& bucket, const std::string& policy) {
        signer::Signer root{{parts.root.access, Secret{parts.root.secret}, std::nullopt},
                            Region::trusted(parts.s3_region)};
        signer::HeaderSignRequest wanted;
        wanted.method = policy.empty() ? "DELETE" : "PUT";
        wanted.address = {*parse_endpoint(parts.s3_endpoint), signer::AddressingStyle::path, bucket,
                          std::nullopt};
        wanted.query = {{"policy", ""}};
        wanted.payload_sha256 = test::sha256_hex(policy);
        wanted.at = clock.now();
        const auto made = root.sign_headers(wanted);
        http::Request request;
        request.method = wanted.method;
        request.url = made->url;
        request.body = policy;
        for (const auto& header : made->headers)
            request.headers.push_back({header.name, header.value});
        return http.send(request)->status;
    }

    static std::string allow_everybody(const Bucket& bucket, const std::string& action,
                                       const std::string& resource) {
        return R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":[")" +
               action + R"("],"Resource":["arn:aws:s3:::)" + bucket.str() + resource + R"("]}]})";
    }
};

Verdict verdict_of(const ProbeReport& report, std::string_view check) {
    const auto found = std::find_if(report.findings.begin(), report.findings.end(),
                                    [&](const Finding& f) { return f.check == check; });
    if (found == report.findings.end()) throw std::runtime_error{"no finding " + std::string{check}};
    return found->verdict;
}

TEST_F(StoreProbe, accepts_documented_setup_and_leaves_the_store_clean) {
    const auto report = probe_store(target(parts.signer), store, with());
    ASSERT_TRUE(report) << report.error().detail;
    for (const Finding& finding : report->findings) {
        EXPECT_EQ(finding.verdict, Verdict::passed) << finding.check << ": " << finding.detail;
        EXPECT_TRUE(finding.remedy.empty()) << finding.check;
    }
    EXPECT_TRUE(report->safe());
    EXPECT_GE(report->findings.size(), 25U);
    EXPECT_EQ(left_behind(), 0U);
}

TEST_F(StoreProbe, detects_signer_that_can_read_or_copy) {
    // Root's key signs here as one with MinIO's `readwrite` policy would.
    const auto report = probe_store(target(parts.root), store, with());
    ASSERT_TRUE(report) << report.error().detail;
    EXPECT_FALSE(report->safe());
    for (const char* check :
         {"signer.get.incoming", "signer.get.originals", "signer.head.public", "signer.list.incoming",
          "signer.copy.incoming", "signer.copy.originals", "signer.copy.public", "signer.put.outside",
          "signer.put.public", "signer.put.originals", "signer.delete"}) {
        EXPECT_EQ(verdict_of(*report, check), Verdict::failed) << check;
    }
    for (const Finding& finding : report->findings) {
        if (finding.verdict == Verdict::failed) {
            EXPECT_NE(finding.remedy.find("mc admin policy"), std::string::npos) << finding.check;
        }
    }
    EXPECT_EQ(left_behind(), 0U);
}

TEST_F(StoreProbe, rejects_worker_credentials_as_signer) {
    const auto report = probe_store(target(parts.worker), store, with());
    ASSERT_TRUE(report);
    EXPECT_EQ(verdict_of(*report, "signer.copy.originals"), Verdict::failed);
}

TEST_F(StoreProbe, detects_signer_that_can_not_put) {
    const auto report =
        probe_store(target({"nobody-at-all", "wrong-secret-of-enough-length"}), store, with());
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->safe());
    EXPECT_EQ(verdict_of(*report, "signer.put"), Verdict::failed);
}

/// A key that is not there, or a wrong secret, is refused whatever it asks for.
TEST_F(StoreProbe, takes_no_refusal_of_a_key_that_may_do_nothing_as_proof) {
    for (const auto& key : {test::KeyPair{"nobody-at-all", "wrong-secret-of-enough-length"},
                            test::KeyPair{parts.signer.access, "wrong-secret-of-enough-length"}}) {
        const auto report = probe_store(target(key), store, with());
        ASSERT_TRUE(report);
        std::size_t unproved = 0;
        for (const Finding& finding : report->findings) {
            if (!finding.check.starts_with("signer.") || finding.check == "signer.put") continue;
            EXPECT_EQ(finding.verdict, Verdict::unproved) << finding.check;
            ++unproved;
        }
        EXPECT_GE(unproved, 13U);
        EXPECT_EQ(verdict_of(*report, "stranger.get.originals"), Verdict::passed);
    }
}

TEST_F(StoreProbe, takes_no_refusal_in_a_bucket_that_is_not_there_as_proof) {
    ProbeTarget elsewhere = target(parts.signer);
    elsewhere.originals = Bucket::trusted("not-there-at-all");
    const auto report = probe_store(elsewhere, store, with());
    ASSERT_TRUE(report);
    for (const char* check : {"signer.get.originals", "signer.list.originals", "signer.put.originals",
                              "signer.copy.originals", "stranger.get.originals", "stranger.list.originals"})
        EXPECT_EQ(verdict_of(*report, check), Verdict::unproved) << check;
    EXPECT_EQ(verdict_of(*report, "signer.get.public"), Verdict::passed);
    EXPECT_FALSE(report->safe());
}

TEST_F(StoreProbe, detects_public_access_to_originals) {
    ASSERT_LT(set_policy(originals, allow_everybody(originals, "s3:GetObject", "/*")), 300);
    const auto readable = probe_store(target(parts.signer), store, with());
    ASSERT_LT(set_policy(originals, allow_everybody(originals, "s3:ListBucket", "")), 300);
    const auto listable = probe_store(target(parts.signer), store, with());
    ASSERT_LT(set_policy(originals, ""), 300);
    ASSERT_TRUE(readable && listable);
    EXPECT_FALSE(readable->safe());
    EXPECT_EQ(verdict_of(*readable, "stranger.get.originals"), Verdict::failed);
    EXPECT_EQ(verdict_of(*readable, "stranger.list.originals"), Verdict::passed);
    EXPECT_FALSE(listable->safe());
    EXPECT_EQ(verdict_of(*listable, "stranger.list.originals"), Verdict::failed);
}

TEST_F(StoreProbe, warns_of_publicly_readable_bucket_and_rejects_writable_one) {
    ASSERT_LT(set_policy(published, allow_everybody(published, "s3:GetObject", "/*")), 300);
    const auto readable = probe_store(target(parts.signer), store, with());
    ASSERT_LT(set_policy(published, allow_everybody(published, "s3:PutObject", "/*")), 300);
    const auto writable = probe_store(target(parts.signer), store, with());
    ASSERT_LT(set_policy(published, ""), 300);
    ASSERT_TRUE(readable && writable);
    EXPECT_TRUE(readable->safe());
    EXPECT_EQ(verdict_of(*readable, "stranger.content-type.public"), Verdict::warning);
    EXPECT_FALSE(writable->safe());
    EXPECT_EQ(verdict_of(*writable, "stranger.put.public"), Verdict::failed);
    EXPECT_EQ(left_behind(), 0U);
}

TEST_F(StoreProbe, rejects_publicly_readable_bucket_where_images_are_private) {
    auto closed = target(parts.signer);
    closed.public_bucket = ProbeTarget::PublicBucket::closed;
    const auto tight = probe_store(closed, store, with());
    ASSERT_LT(set_policy(published, allow_everybody(published, "s3:GetObject", "/*")), 300);
    const auto readable = probe_store(closed, store, with());
    ASSERT_LT(set_policy(published, ""), 300);
    ASSERT_TRUE(tight && readable);
    EXPECT_TRUE(tight->safe());
    EXPECT_EQ(verdict_of(*tight, "stranger.get.public"), Verdict::passed);
    EXPECT_FALSE(readable->safe());
    EXPECT_EQ(verdict_of(*readable, "stranger.get.public"), Verdict::failed);
}

TEST_F(StoreProbe, reports_missing_rights_and_buckets_as_findings) {
    S3Client powerless{options(parts.signer), with()};
    const auto denied = probe_store(target(parts.signer), powerless, with());
    ASSERT_TRUE(denied);
    EXPECT_EQ(verdict_of(*denied, "worker.write.originals"), Verdict::failed);
    ProbeTarget elsewhere = target(parts.signer);
    elsewhere.originals = Bucket::trusted("no-such-bucket");
    const auto missing = probe_store(elsewhere, store, with());
    ASSERT_TRUE(missing);
    EXPECT_FALSE(missing->safe());
    ListOptions left;
    left.prefix = "u/probe/";
    const auto page = store.list(incoming, left);
    ASSERT_TRUE(page);
    for (const ListedObject& object : page->objects) {
        EXPECT_TRUE(store.remove(incoming, object.key, std::nullopt));
    }
}

TEST_F(StoreProbe, warns_of_unreachable_public_endpoint_and_fails_for_unreachable_store) {
    ProbeTarget apart = target(parts.signer);
    apart.public_end = *parse_endpoint("http://127.0.0.1:1");
    const auto report = probe_store(apart, store, with());
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->safe());
    EXPECT_EQ(verdict_of(*report, "endpoint.public"), Verdict::warning);

    auto nowhere = options(parts.worker);
    nowhere.endpoint = apart.public_end;
    nowhere.retry.attempts = 1;
    S3Client lost{nowhere, with()};
    apart.internal = apart.public_end;
    EXPECT_FALSE(probe_store(apart, lost, with()));
}

}  // namespace
}  // namespace photogate::storage::objects
