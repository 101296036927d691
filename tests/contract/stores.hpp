// Every store that photogate may stand on, behind the one interface; each contract test runs once for each.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "signer/digest.hpp"
#include "storage/http/body_source.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::test {

using namespace storage::objects;
using storage::http::MemorySource;

/// `folder`: the built-in store, called directly. `minio`, `versitygw`: an S3Client on the server that
/// stores.py started.
class Contract : public testing::TestWithParam<const char*> {
  protected:
    Contract();

    /// A key that no other test uses.
    ObjectKey key(const std::string& name) const { return ObjectKey::trusted(place + name); }

    Result<ObjectInfo> put(const ObjectKey& at, std::string_view bytes, const PutOptions& how = {}) {
        const MemorySource body{bytes};
        return store.put(incoming, at, body, how);
    }
    Result<std::string> get(const ObjectKey& at, const GetOptions& how = {}) {
        std::string bytes;
        auto info = store.get(incoming, at, how, [&](BytesView piece) {
            bytes += as_text(piece);
            return true;
        });
        if (!info) return fail(info.error());
        return bytes;
    }
    template <class T>
    static ErrorCode code_of(const Result<T>& result) {
        EXPECT_FALSE(result.has_value());
        return result ? ErrorCode::internal : result.error().code;
    }
    bool is(std::string_view name) const { return name == GetParam(); }

    const Bucket incoming = Bucket::trusted("incoming");
    const Bucket originals = Bucket::trusted("originals");
    const Bucket missing = Bucket::trusted("no-such-bucket-here");
    SystemRandom random;
    std::string place;  ///< a prefix of this test's own
    ObjectStore& store;
};

std::string sha256_hex(std::string_view text);
std::string md5_hex(std::string_view text);

#define PHOTOGATE_CONTRACT(suite)                                                               \
    INSTANTIATE_TEST_SUITE_P(EachStore, suite, testing::Values("folder", "minio", "versitygw"), \
                             [](const auto& store) { return std::string{store.param}; })

}  // namespace photogate::test
