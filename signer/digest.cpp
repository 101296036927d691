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

// An implicit fetch for each call takes OpenSSL's global locks and costs more than the digest itself.
const EVP_MD* sha256_algorithm() {
    thread_local const Algorithm algorithm = fetch("SHA256");
    return algorithm.get();
}

const EVP_MD* md5_algorithm() {
    thread_local const Algorithm algorithm = fetch("MD5");
    return algorithm.get();
}

const EVP_MD* sha1_algorithm() {
    thread_local const Algorithm algorithm = fetch("SHA1");
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

}  // namespace

Sha256 sha256(BytesView bytes) {
    auto* context = scratch();
    begin(context, sha256_algorithm());
    add(context, bytes);
    return end<Sha256>(context);
}

Md5 md5(BytesView bytes) {
    auto* context = scratch();
    begin(context, md5_algorithm());
    add(context, bytes);
    return end<Md5>(context);
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
    begin(blocks_->inner.get(), sha256_algorithm());
    add(blocks_->inner.get(), block);
    for (auto& b : block)
        b ^= 0x36 ^ 0x5C;
    begin(blocks_->outer.get(), sha256_algorithm());
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

struct Sha1Stream::Context {
    DigestContext digest = new_context();
};

Sha1Stream::Sha1Stream() : context_(std::make_unique<Context>()) {
    begin(context_->digest.get(), sha1_algorithm());
}
Sha1Stream::~Sha1Stream() = default;
Sha1Stream::Sha1Stream(Sha1Stream&&) noexcept = default;
Sha1Stream& Sha1Stream::operator=(Sha1Stream&&) noexcept = default;
void Sha1Stream::update(BytesView bytes) {
    add(context_->digest.get(), bytes);
}
Sha1 Sha1Stream::finish() {
    return end<Sha1>(context_->digest.get());
}

struct Sha256Stream::Context {
    DigestContext digest = new_context();
};

Sha256Stream::Sha256Stream() : context_(std::make_unique<Context>()) {
    begin(context_->digest.get(), sha256_algorithm());
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
void Sha256Stream::update(BytesView bytes) {
    add(context_->digest.get(), bytes);
}
Sha256 Sha256Stream::finish() {
    return end<Sha256>(context_->digest.get());
}

struct Md5Stream::Context {
    DigestContext digest = new_context();
};

Md5Stream::Md5Stream() : context_(std::make_unique<Context>()) {
    begin(context_->digest.get(), md5_algorithm());
}
Md5Stream::~Md5Stream() = default;
Md5Stream::Md5Stream(Md5Stream&&) noexcept = default;
Md5Stream& Md5Stream::operator=(Md5Stream&&) noexcept = default;
void Md5Stream::update(BytesView bytes) {
    add(context_->digest.get(), bytes);
}
Md5 Md5Stream::finish() {
    return end<Md5>(context_->digest.get());
}

bool constant_time_equal(BytesView a, BytesView b) {
    return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace photogate::signer
