// The digest of a request's content as it arrives, held against the one that was sent with it.
//
// Not thread safe.
#pragma once

#include <variant>

#include "http/resumable/request.hpp"
#include "signer/digest.hpp"
#include "signer/sha512.hpp"

namespace photogate::gateway::resumable {

class ContentDigest {
  public:
    explicit ContentDigest(const photogate::http::resumable::ContentDigest& expected);
    void update(std::string_view bytes);
    /// Once, at the end.
    bool matches();

  private:
    Bytes expected_;
    std::variant<signer::Sha1Stream, signer::Sha256Stream, signer::Sha512Stream, signer::Md5Stream> stream_;
};

}  // namespace photogate::gateway::resumable
