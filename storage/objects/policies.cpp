#include "storage/objects/policies.hpp"

#include <initializer_list>
#include <string_view>
#include <utility>

namespace photogate::storage::objects {
namespace {

constexpr std::string_view kSigner = R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "PutUploadsAndNothingElse",
      "Effect": "Allow",
      "Action": ["s3:PutObject"],
      "Resource": ["arn:aws:s3:::@INCOMING@/@PREFIX@*"]
    }
  ]
}
)";

constexpr std::string_view kWorker = R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "SeeTheBuckets",
      "Effect": "Allow",
      "Action": [
        "s3:GetBucketLocation",
        "s3:GetBucketNotification",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:PutBucketNotification"
      ],
      "Resource": ["arn:aws:s3:::@INCOMING@", "arn:aws:s3:::@PUBLIC@", "arn:aws:s3:::@ORIGINALS@"]
    },
    {
      "Sid": "ReadWriteAndRemoveObjects",
      "Effect": "Allow",
      "Action": [
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListMultipartUploadParts",
        "s3:PutObject"
      ],
      "Resource": ["arn:aws:s3:::@INCOMING@/*", "arn:aws:s3:::@PUBLIC@/*", "arn:aws:s3:::@ORIGINALS@/*"]
    }
  ]
}
)";

// RGW 16 does not heed a Deny with NotAction, so each action is named.
constexpr std::string_view kCeph = R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "SignerPutsUploads",
      "Effect": "Allow",
      "Principal": {"AWS": ["arn:aws:iam:::user/@SIGNER@"]},
      "Action": ["s3:PutObject"],
      "Resource": ["arn:aws:s3:::@INCOMING@/@PREFIX@*"]
    },
    {
      "Sid": "SignerDoesNothingElse",
      "Effect": "Deny",
      "Principal": {"AWS": ["arn:aws:iam:::user/@SIGNER@"]},
      "Action": [
        "s3:DeleteObject",
        "s3:DeleteObjectTagging",
        "s3:DeleteObjectVersion",
        "s3:GetObject",
        "s3:GetObjectAcl",
        "s3:GetObjectTagging",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAcl",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListBucketVersions",
        "s3:PutObjectAcl",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionAcl"
      ],
      "Resource": ["arn:aws:s3:::@INCOMING@", "arn:aws:s3:::@INCOMING@/*"]
    },
    {
      "Sid": "WorkerReadsWhatTheSignerPut",
      "Effect": "Allow",
      "Principal": {"AWS": ["arn:aws:iam:::user/@WORKER@"]},
      "Action": ["s3:*"],
      "Resource": ["arn:aws:s3:::@INCOMING@", "arn:aws:s3:::@INCOMING@/*"]
    }
  ]
}
)";

using Replacement = std::pair<std::string_view, std::string_view>;

std::string filled(std::string_view pattern, std::initializer_list<Replacement> replacements) {
    std::string text{pattern};
    for (const auto& [placeholder, value] : replacements) {
        for (auto at = text.find(placeholder); at != std::string::npos;
             at = text.find(placeholder, at + value.size()))
            text.replace(at, placeholder.size(), value);
    }
    return text;
}

}  // namespace

std::string signer_policy(const Bucket& incoming, const std::string& prefix) {
    return filled(kSigner, {{"@INCOMING@", incoming.str()}, {"@PREFIX@", prefix}});
}

std::string worker_policy(const WorkerBuckets& buckets) {
    return filled(kWorker, {{"@INCOMING@", buckets.incoming.str()},
                            {"@PUBLIC@", buckets.published.str()},
                            {"@ORIGINALS@", buckets.originals.str()}});
}

std::string ceph_bucket_policy(const Bucket& incoming, const std::string& prefix, const CephUsers& users) {
    return filled(kCeph, {{"@INCOMING@", incoming.str()},
                          {"@PREFIX@", prefix},
                          {"@SIGNER@", users.signer},
                          {"@WORKER@", users.worker}});
}

}  // namespace photogate::storage::objects
