// AWS made ready for a gateway: three buckets, two IAM users with a policy each, an SNS topic with the gateway as its subscriber.
//
// Sources: the API references of Amazon S3, IAM (2010-05-08), STS (2011-06-15) and SNS (2010-03-31); docs/deploy/aws.md has the same by
// hand.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <memory>

#include "client/setup/store_setup.hpp"

namespace photogate::client::setup::aws {

/// Where the APIs besides S3 are: `iam`, `sts`, `sns`.
using Endpoints = std::map<std::string, Endpoint>;

/// AWS's own, of a region of the partition `aws`.
Endpoints standard_endpoints(const Region& region);

/// `wanted.administrator` may make buckets, IAM users and SNS topics. Asks nothing yet.
std::unique_ptr<StoreSetup> open(Wanted wanted, const Endpoints& endpoints);

}  // namespace photogate::client::setup::aws
