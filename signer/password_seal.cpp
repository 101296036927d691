#include "signer/password_seal.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/encoding.hpp"

namespace photogate::signer {
namespace {

constexpr std::size_t kSaltSize = 32;
constexpr std::uint8_t kPbkdf2AesGcm = 2;
constexpr std::size_t kStreamNonce = 8;
constexpr std::size_t kFragmentNonce = 12;
constexpr std::size_t kTagSize = 16;
constexpr int kRounds = 8'192;
constexpr std::size_t kFragment = 16U << 10;
constexpr std::uint8_t kLast = 0x80;

using FragmentNonce = std::array<std::uint8_t, kFragmentNonce>;

struct FreeSealContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

void expect(bool worked) {
    if (!worked) throw std::runtime_error("OpenSSL could not seal a body");
}

/// The stream's nonce, and the fragment's number in four bytes, the least first.
FragmentNonce nonce_of(std::span<const std::uint8_t> stream, std::uint8_t number) {
    FragmentNonce nonce{};
    std::copy(stream.begin(), stream.end(), nonce.begin());
    nonce[kStreamNonce] = number;
    return nonce;
}

/// Ciphertext and tag.
Bytes seal_fragment(std::span<const std::uint8_t> key, const FragmentNonce& nonce, BytesView about,
                    BytesView plain) {
    const std::unique_ptr<EVP_CIPHER_CTX, FreeSealContext> context{EVP_CIPHER_CTX_new()};
    expect(context != nullptr);
    expect(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1);
    Bytes sealed(plain.size() + kTagSize);
    int size = 0;
    if (!about.empty())
        expect(EVP_EncryptUpdate(context.get(), nullptr, &size, about.data(),
                                 static_cast<int>(about.size())) == 1);
    if (!plain.empty())
        expect(EVP_EncryptUpdate(context.get(), sealed.data(), &size, plain.data(),
                                 static_cast<int>(plain.size())) == 1);
    expect(EVP_EncryptFinal_ex(context.get(), sealed.data() + plain.size(), &size) == 1);
    expect(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTagSize),
                               sealed.data() + plain.size()) == 1);
    return sealed;
}

}  // namespace

Result<std::string> seal_with_password(const Secret& password, std::string_view text, Random& random) {
    if (text.size() > kFragment) return fail(ErrorCode::invalid_field, "the text is longer than 16 KiB");
    std::array<std::uint8_t, kSaltSize> salt{};
    std::array<std::uint8_t, kStreamNonce> stream{};
    random.fill(std::as_writable_bytes(std::span{salt}));
    random.fill(std::as_writable_bytes(std::span{stream}));
    std::array<std::uint8_t, 32> key{};
    const auto secret = password.reveal();
    expect(PKCS5_PBKDF2_HMAC(secret.data(), static_cast<int>(secret.size()), salt.data(),
                             static_cast<int>(salt.size()), kRounds, EVP_sha256(),
                             static_cast<int>(key.size()), key.data()) == 1);
    // Fragment 0 is the tag of nothing, which every other one is bound to.
    Bytes about{kLast};
    const auto bound = seal_fragment(key, nonce_of(stream, 0), {}, {});
    about.insert(about.end(), bound.begin(), bound.end());
    const auto body = seal_fragment(key, nonce_of(stream, 1), about, as_bytes(text));
    OPENSSL_cleanse(key.data(), key.size());

    std::string sealed(reinterpret_cast<const char*>(salt.data()), salt.size());
    sealed += static_cast<char>(kPbkdf2AesGcm);
    sealed.append(reinterpret_cast<const char*>(stream.data()), stream.size());
    sealed.append(reinterpret_cast<const char*>(body.data()), body.size());
    return sealed;
}

}  // namespace photogate::signer
