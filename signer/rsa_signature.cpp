#include "signer/rsa_signature.hpp"

#include <ctime>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace photogate::signer {
namespace {

constexpr int kFewestBits = 2'048;
constexpr int kMostBits = 8'192;
constexpr std::size_t kLongestPem = 64U << 10;

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using KeyHandle = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using Memory = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Number = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;

/// OpenSSL queues its errors for each thread; what was refused here concerns no later call.
struct ClearErrors {
    ~ClearErrors() { ERR_clear_error(); }
};

std::optional<Timestamp> time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
    return Timestamp{std::chrono::seconds{timegm(&parts)}};
}

bool acceptable(const EVP_PKEY* key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= kFewestBits &&
           EVP_PKEY_get_bits(key) <= kMostBits;
}

tl::unexpected<Error> not_acceptable() {
    return fail(ErrorCode::invalid_field, "the key is not an RSA key of 2,048 to 8,192 bits");
}

Number number_of(BytesView bytes) {
    if (bytes.empty() || bytes.size() > kMostBits / 8) return nullptr;
    return Number{BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)};
}

}  // namespace

struct RsaPublicKey::Key {
    KeyHandle handle;
};

RsaPublicKey::RsaPublicKey(std::unique_ptr<Key> key, Timestamp from, Timestamp until)
    : key_(std::move(key)), from_(from), until_(until) {}
RsaPublicKey::RsaPublicKey(RsaPublicKey&&) noexcept = default;
RsaPublicKey& RsaPublicKey::operator=(RsaPublicKey&&) noexcept = default;
RsaPublicKey::~RsaPublicKey() = default;

Result<RsaPublicKey> RsaPublicKey::from_certificate(std::string_view pem) {
    const ClearErrors clear;
    if (pem.size() > kLongestPem) return fail(ErrorCode::invalid_field, "the certificate is too long");
    const Memory memory{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    const Certificate certificate{memory ? PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr)
                                         : nullptr};
    if (!certificate) return fail(ErrorCode::invalid_field, "there is no X.509 certificate in PEM");
    const auto from = time_of(X509_get0_notBefore(certificate.get()));
    const auto until = time_of(X509_get0_notAfter(certificate.get()));
    if (!from || !until) return fail(ErrorCode::invalid_field, "the certificate's time can't be read");
    KeyHandle key{X509_get_pubkey(certificate.get())};
    if (!key || !acceptable(key.get())) return not_acceptable();
    return RsaPublicKey{std::make_unique<Key>(Key{std::move(key)}), *from, *until};
}

Result<RsaPublicKey> RsaPublicKey::from_numbers(BytesView modulus, BytesView exponent) {
    const ClearErrors clear;
    const Number n = number_of(modulus);
    const Number e = number_of(exponent);
    const ParameterBuilder builder{OSSL_PARAM_BLD_new()};
    const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
    if (!n || !e || !builder || !context) return not_acceptable();
    if (OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
        return not_acceptable();
    const Parameters parameters{OSSL_PARAM_BLD_to_param(builder.get())};
    EVP_PKEY* made = nullptr;
    if (!parameters || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return not_acceptable();
    KeyHandle key{made};
    if (!acceptable(key.get())) return not_acceptable();
    return RsaPublicKey{std::make_unique<Key>(Key{std::move(key)}), Timestamp::min(), Timestamp::max()};
}

bool RsaPublicKey::verify(SignatureDigest digest, std::string_view message, BytesView signature) const {
    const ClearErrors clear;
    const DigestContext context{EVP_MD_CTX_new()};
    const char* name = digest == SignatureDigest::sha1 ? "SHA1" : "SHA256";
    return context &&
           EVP_DigestVerifyInit_ex(context.get(), nullptr, name, nullptr, nullptr, key_->handle.get(),
                                   nullptr) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), as_bytes(message).data(),
                            message.size()) == 1;
}

}  // namespace photogate::signer
