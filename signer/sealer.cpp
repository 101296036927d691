#include "signer/sealer.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/base64url.hpp"
#include "signer/digest.hpp"

namespace photogate::signer {
namespace {

constexpr std::size_t kName = 4;
constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kLongest = 4'096;  // characters of a sealed text

struct FreeCipher {
    void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
};
struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

void require(bool worked, const char* what) {
    if (!worked) throw std::runtime_error(what);
}

// An implicit fetch for each call takes OpenSSL's global locks.
const EVP_CIPHER* algorithm() {
    thread_local const Cipher cipher{EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)};
    require(cipher != nullptr, "OpenSSL does not offer AES-256-GCM");
    return cipher.get();
}

CipherContext new_context() {
    CipherContext context{EVP_CIPHER_CTX_new()};
    require(context != nullptr, "OpenSSL has no memory for a cipher");
    return context;
}

int length_of(BytesView bytes) {
    return static_cast<int>(bytes.size());
}

}  // namespace

struct Sealer::Key {
    explicit Key(const Secret& secret, std::string_view purpose) {
        const HmacKey from{as_bytes(secret.reveal())};
        bytes = from.sign("photogate sealed texts, 1\n" + std::string{purpose});
        const auto digest = HmacKey{BytesView{bytes}}.sign("name");
        std::copy_n(digest.begin(), name.size(), name.begin());
    }
    Key(Key&&) = default;
    Key& operator=(Key&&) = default;
    ~Key() { OPENSSL_cleanse(bytes.data(), bytes.size()); }

    Sha256 bytes;
    std::array<std::uint8_t, kName> name;
};

Sealer::Sealer(const std::vector<Secret>& secrets, std::string_view purpose) {
    for (const auto& secret : secrets)
        keys_.emplace_back(secret, purpose);
}

Sealer::~Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;

std::string Sealer::seal(std::string_view text, std::string_view context, Random& random) const {
    const Key& key = keys_.front();
    Bytes sealed(kName + kNonce + text.size() + kTag);
    std::copy(key.name.begin(), key.name.end(), sealed.begin());
    auto* nonce = sealed.data() + kName;
    auto* body = nonce + kNonce;
    random.fill(std::as_writable_bytes(std::span{nonce, kNonce}));
    const auto cipher = new_context();
    int size = 0;
    require(EVP_EncryptInit_ex2(cipher.get(), algorithm(), key.bytes.data(), nonce, nullptr) == 1,
            "OpenSSL could not begin to encrypt");
    const auto about = as_bytes(context);
    require(EVP_EncryptUpdate(cipher.get(), nullptr, &size, about.data(), length_of(about)) == 1,
            "OpenSSL could not encrypt");
    const auto plain = as_bytes(text);
    require(EVP_EncryptUpdate(cipher.get(), body, &size, plain.data(), length_of(plain)) == 1 &&
                size == length_of(plain),
            "OpenSSL could not encrypt");
    require(EVP_EncryptFinal_ex(cipher.get(), body + size, &size) == 1, "OpenSSL could not encrypt");
    require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, kTag, body + plain.size()) == 1,
            "OpenSSL could not authenticate");
    return base64url(sealed);
}

std::optional<std::string> Sealer::open(std::string_view sealed, std::string_view context) const {
    if (sealed.size() > kLongest) return std::nullopt;
    auto bytes = from_base64url(sealed);
    if (!bytes || bytes->size() < kName + kNonce + kTag) return std::nullopt;
    const auto* nonce = bytes->data() + kName;
    const auto* body = nonce + kNonce;
    const std::size_t size = bytes->size() - kName - kNonce - kTag;
    for (const auto& key : keys_) {
        if (!std::equal(key.name.begin(), key.name.end(), bytes->begin())) continue;
        const auto cipher = new_context();
        int written = 0;
        require(EVP_DecryptInit_ex2(cipher.get(), algorithm(), key.bytes.data(), nonce, nullptr) == 1,
                "OpenSSL could not begin to decrypt");
        const auto about = as_bytes(context);
        require(EVP_DecryptUpdate(cipher.get(), nullptr, &written, about.data(), length_of(about)) == 1,
                "OpenSSL could not decrypt");
        std::string text(size, '\0');
        auto* out = reinterpret_cast<unsigned char*>(text.data());
        require(EVP_DecryptUpdate(cipher.get(), out, &written, body, static_cast<int>(size)) == 1,
                "OpenSSL could not decrypt");
        require(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, kTag,
                                    bytes->data() + bytes->size() - kTag) == 1,
                "OpenSSL could not take the tag");
        if (EVP_DecryptFinal_ex(cipher.get(), out + written, &written) == 1) return text;
    }
    return std::nullopt;
}

}  // namespace photogate::signer
