#include "signer/digest.hpp"

#include <algorithm>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>

namespace photogate::signer {
namespace {

constexpr std::size_t kBlock = 64;  // SHA-256's block, RFC 2104's B

struct FreeAlgorithm {
    void operator()(EVP_MD* md) const noexcept { EVP_MD_free(md); }
};
struct FreeContext {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
using Algorithm = std::unique_ptr<EVP_MD, FreeAlgorithm>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeContext>;

void require(bool worked, const char* what) {
    if (!worked) throw std::runtime_error(what);
}

Algorithm fetch(const char* name) {
    Algorithm algorithm{EVP_MD_fetch(nullptr, name, nullptr)};
    require(algorithm != nullptr, "OpenSSL does not offer the digest");
    return algorithm;
}

template <class Digest>
constexpr const char* kName = nullptr;
template <>
constexpr const char* kName<Sha256> = "SHA256";
template <>
constexpr const char* kName<Md5> = "MD5";
template <>
constexpr const char* kName<Sha1> = "SHA1";

// An implicit fetch for each call takes OpenSSL's global locks and costs more than the digest itself.
template <class Digest>
const EVP_MD* algorithm_of() {
    thread_local const Algorithm algorithm = fetch(kName<Digest>);
    return algorithm.get();
}

DigestContext new_context() {
    DigestContext context{EVP_MD_CTX_new()};
    require(context != nullptr, "OpenSSL has no memory for a digest");
    return context;
}

EVP_MD_CTX* scratch() {
    thread_local const DigestContext context = new_context();
    return context.get();
}

void begin(EVP_MD_CTX* context, const EVP_MD* algorithm) {
    require(EVP_DigestInit_ex2(context, algorithm, nullptr) == 1, "OpenSSL could not start a digest");
}

void add(EVP_MD_CTX* context, BytesView bytes) {
    require(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1, "OpenSSL could not digest");
}

template <class Digest>
Digest end(EVP_MD_CTX* context) {
    Digest digest;
    unsigned length = 0;
    require(EVP_DigestFinal_ex(context, digest.data(), &length) == 1 && length == digest.size(),
            "OpenSSL could not finish a digest");
    return digest;
}

template <class Digest>
Digest digest_of(BytesView bytes) {
    auto* context = scratch();
    begin(context, algorithm_of<Digest>());
    add(context, bytes);
    return end<Digest>(context);
}

}  // namespace

Sha256 sha256(BytesView bytes) {
    return digest_of<Sha256>(bytes);
}

Md5 md5(BytesView bytes) {
    return digest_of<Md5>(bytes);
}

Sha256 hmac_sha256(BytesView key, BytesView message) {
    return HmacKey{key}.sign(message);
}

struct HmacKey::Blocks {
    DigestContext inner = new_context();
    DigestContext outer = new_context();
};

HmacKey::HmacKey(BytesView key) : blocks_(std::make_unique<Blocks>()) {
    std::array<std::uint8_t, kBlock> block{};
    if (key.size() > kBlock) {
        auto shortened = sha256(key);
        std::copy(shortened.begin(), shortened.end(), block.begin());
        OPENSSL_cleanse(shortened.data(), shortened.size());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    for (auto& b : block)
        b ^= 0x36;
    begin(blocks_->inner.get(), algorithm_of<Sha256>());
    add(blocks_->inner.get(), block);
    for (auto& b : block)
        b ^= 0x36 ^ 0x5C;
    begin(blocks_->outer.get(), algorithm_of<Sha256>());
    add(blocks_->outer.get(), block);
    OPENSSL_cleanse(block.data(), block.size());
}

// OpenSSL cleanses a digest's state when it is freed.
HmacKey::~HmacKey() = default;
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;

Sha256 HmacKey::sign(BytesView message) const {
    auto* context = scratch();
    require(EVP_MD_CTX_copy_ex(context, blocks_->inner.get()) == 1, "OpenSSL could not copy a digest");
    add(context, message);
    const auto inner = end<Sha256>(context);
    require(EVP_MD_CTX_copy_ex(context, blocks_->outer.get()) == 1, "OpenSSL could not copy a digest");
    add(context, inner);
    return end<Sha256>(context);
}

template <class Digest>
struct DigestStream<Digest>::Context {
    DigestContext digest = new_context();
};

template <class Digest>
DigestStream<Digest>::DigestStream() : context_(std::make_unique<Context>()) {
    begin(context_->digest.get(), algorithm_of<Digest>());
}
template <class Digest>
DigestStream<Digest>::~DigestStream() = default;
template <class Digest>
DigestStream<Digest>::DigestStream(DigestStream&&) noexcept = default;
template <class Digest>
DigestStream<Digest>& DigestStream<Digest>::operator=(DigestStream&&) noexcept = default;
template <class Digest>
void DigestStream<Digest>::update(BytesView bytes) {
    add(context_->digest.get(), bytes);
}
template <class Digest>
Digest DigestStream<Digest>::finish() {
    return end<Digest>(context_->digest.get());
}

template class DigestStream<Sha256>;
template class DigestStream<Md5>;
template class DigestStream<Sha1>;

bool constant_time_equal(BytesView a, BytesView b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace photogate::signer
