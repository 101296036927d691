// The real MinIO and PostgreSQL that an integration test runs against: `scripts/stack.py exec -- PROGRAM`
// starts them and passes their addresses in the environment. Without them a test fails; it never skips.
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace photogate::test {

struct KeyPair {
    std::string access;
    std::string secret;
};

struct RealParts {
    std::string database_url;
    std::string s3_endpoint;
    std::string s3_region;
    KeyPair root, signer, worker;
    std::string incoming, published, originals;
};

inline std::string required_variable(const char* name) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') {
        throw std::runtime_error{
            std::string{name} +
            " is not set: run this test by `python3 scripts/stack.py exec -- PROGRAM`, which starts a "
            "private PostgreSQL and MinIO"};
    }
    return value;
}

/// Throws, and thereby fails the test, if a variable is missing.
inline RealParts real_parts() {
    const auto pair = [](const std::string& role) {
        return KeyPair{required_variable(("PHOTOGATE_TEST_S3_" + role + "_ACCESS").c_str()),
                       required_variable(("PHOTOGATE_TEST_S3_" + role + "_SECRET").c_str())};
    };
    RealParts parts;
    parts.database_url = required_variable("PHOTOGATE_TEST_DATABASE_URL");
    parts.s3_endpoint = required_variable("PHOTOGATE_TEST_S3_ENDPOINT");
    parts.s3_region = required_variable("PHOTOGATE_TEST_S3_REGION");
    parts.root = pair("ROOT");
    parts.signer = pair("SIGNER");
    parts.worker = pair("WORKER");
    parts.incoming = required_variable("PHOTOGATE_TEST_S3_INCOMING");
    parts.published = required_variable("PHOTOGATE_TEST_S3_PUBLIC");
    parts.originals = required_variable("PHOTOGATE_TEST_S3_ORIGINALS");
    return parts;
}

}  // namespace photogate::test
