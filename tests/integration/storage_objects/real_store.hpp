// An S3Client on the test's MinIO, and a place in it of the test's own.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "signer/digest.hpp"
#include "signer/signer.hpp"
#include "storage/http/body_source.hpp"
#include "storage/objects/s3_client.hpp"
#include "tests/support/real_parts.hpp"

namespace photogate::test {

class RealStore : public testing::Test {
  protected:
    storage::objects::S3Options options(const KeyPair& pair) const {
        storage::objects::S3Options options;
        options.endpoint = *parse_endpoint(parts.s3_endpoint);
        options.credentials = {pair.access, Secret{pair.secret}, std::nullopt};
        options.region = Region::trusted(parts.s3_region);
        return options;
    }

    storage::objects::S3Dependencies with() { return {http, clock, random, pacer}; }

    /// A key that no other test uses.
    ObjectKey key(const std::string& name) {
        return ObjectKey::trusted("u/" + make_upload_id(clock.now(), random).str() + "/" + name);
    }

    storage::objects::ObjectInfo put(const ObjectKey& at, std::string_view bytes,
                                     const storage::objects::PutOptions& how = {}) {
        const storage::http::MemorySource body{bytes};
        auto info = store.put(incoming, at, body, how);
        if (!info) throw std::runtime_error{"put: " + info.error().detail};
        return *info;
    }

    Result<std::string> get(const ObjectKey& at, const storage::objects::GetOptions& how = {}) {
        std::string bytes;
        auto info = store.get(incoming, at, how, [&](BytesView piece) {
            bytes += as_text(piece);
            return true;
        });
        if (!info) return fail(info.error());
        return bytes;
    }

    const RealParts parts = real_parts();
    storage::http::HttpClient http{{}};
    SystemClock clock;
    SystemRandom random;
    storage::objects::SystemPacer pacer;
    storage::objects::S3Client store{options(parts.worker), with()};
    const Bucket incoming = Bucket::trusted(parts.incoming);
    const Bucket published = Bucket::trusted(parts.published);
    const Bucket originals = Bucket::trusted(parts.originals);
};

inline std::string sha256_hex(std::string_view text) {
    return hex_lower(signer::sha256(text));
}

}  // namespace photogate::test
