// A multipart/form-data body (RFC 7578) as it arrives, in pieces of any size: fields first, buffered; then
// the file, which is streamed and never buffered.
//
// S3's form POST requires the file last, since the fields decide about it. Anything after the file is
// ignored. Bounded to 64 KiB of fields with their headers, and 100 fields.
//
// Thread safety: one body, one thread at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/s3/error.hpp"
#include "signer/message.hpp"

namespace photogate::gateway::s3 {

/// The boundary of a `multipart/form-data; boundary=…` Content-Type; nullopt for any other.
std::optional<std::string> form_boundary(std::string_view content_type);

class Form {
  public:
    explicit Form(const std::string& boundary);

    /// Appends the arrived part of the file to `file`. Refusals: MalformedPOSTRequest,
    /// MaxMessageLengthExceeded.
    S3Result<> feed(std::string_view arrived, std::string& file);
    /// Call at the end of the body: MalformedPOSTRequest if the file is incomplete.
    S3Result<> finish() const;

    /// The file has begun, so `fields` are complete.
    bool file_begun() const { return state_ == State::file || state_ == State::after; }
    bool file_ended() const { return state_ == State::after; }
    const std::vector<signer::HeaderField>& fields() const { return fields_; }
    /// As sent by the browser, without folders.
    const std::string& file_name() const { return file_name_; }

  private:
    enum class State { start, head, value, file, after };
    S3Result<> step(std::string& file, bool& more);
    S3Result<> read_head(std::string_view head);
    std::string_view left() const { return std::string_view{buffer_}.substr(at_); }

    std::string delimiter_;  ///< CR LF -- boundary
    State state_ = State::start;
    std::string buffer_;
    std::size_t at_ = 0;      ///< what of the buffer has been read
    std::size_t passed_ = 0;  ///< bytes read before the file
    std::string name_;
    std::string file_name_;
    std::vector<signer::HeaderField> fields_;
};

}  // namespace photogate::gateway::s3
