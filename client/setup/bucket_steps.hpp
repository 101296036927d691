// The steps of a store's buckets, through S3's own API: made, closed, their CORS, lifecycle and notifications. What others have
// configured there is kept.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "client/setup/signed_api.hpp"
#include "client/setup/store_setup.hpp"

namespace photogate::client::setup {

class BucketSteps {
  public:
    /// `s3` and `steps` outlive it and the steps. While `s3` can't sign, no bucket is there.
    BucketSteps(const SignedApi& s3, std::vector<Step>& steps) : s3_(s3), steps_(steps) {}

    enum class Location { unsaid, said };
    /// Errors: store_refused, where the bucket is somebody else's or in another region.
    Result<> made(const Bucket& bucket, const Region& region, Location location);
    /// AWS's four switches: neither an ACL nor a policy makes anything public.
    Result<> public_access_blocked(const Bucket& bucket);
    /// Neither the ACL nor a policy lets everybody in: for stores whose switches know no better.
    Result<> closed(const Bucket& bucket);
    Result<> with_policy(const Bucket& bucket, const std::string& policy);
    /// Pages of these origins may PUT and POST.
    Result<> open_to_pages(const Bucket& bucket, const std::vector<std::string>& origins);
    Result<> multiparts_expire(const Bucket& bucket, int days);
    struct Notification {
        std::string id;
        std::string topic;  ///< its ARN
        std::string prefix;
    };
    Result<> announced(const Bucket& bucket, const Notification& notification);

  private:
    /// What the sub-resource says; empty where there is none, or the bucket is still to be made.
    Result<std::string> document(const Bucket& bucket, const std::string& name) const;
    Result<> put(const Bucket& bucket, const std::string& name, const std::string& body) const;
    void add(std::string what, bool already, std::string how, std::function<Result<>()> apply);

    const SignedApi& s3_;
    std::vector<Step>& steps_;
    std::set<std::string> there_;
};

}  // namespace photogate::client::setup
