#include "signer/sha512.hpp"

#include <stdexcept>

#include <openssl/evp.h>

namespace photogate::signer {
namespace {

void require(bool worked) {
    if (!worked) throw std::runtime_error("OpenSSL could not digest");
}

}  // namespace

struct Sha512Stream::Context {
    Context() : made(EVP_MD_CTX_new()) { require(made != nullptr); }
    ~Context() { EVP_MD_CTX_free(made); }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;
    EVP_MD_CTX* made;
};

Sha512Stream::Sha512Stream() : context_(std::make_unique<Context>()) {
    require(EVP_DigestInit_ex2(context_->made, EVP_sha512(), nullptr) == 1);
}

Sha512Stream::~Sha512Stream() = default;
Sha512Stream::Sha512Stream(Sha512Stream&&) noexcept = default;
Sha512Stream& Sha512Stream::operator=(Sha512Stream&&) noexcept = default;

void Sha512Stream::update(BytesView bytes) {
    require(EVP_DigestUpdate(context_->made, bytes.data(), bytes.size()) == 1);
}

Sha512 Sha512Stream::finish() {
    Sha512 digest;
    unsigned length = 0;
    require(EVP_DigestFinal_ex(context_->made, digest.data(), &length) == 1 && length == digest.size());
    return digest;
}

}  // namespace photogate::signer
