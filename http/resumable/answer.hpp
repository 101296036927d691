// The answers to requests about resumable uploads, in the protocol and version that was asked in.
//
// An answer says where the upload stands only if that is certain: `Upload-Offset` is a promise that the bytes before it are
// never asked for again, and no error but 409 has it. Statuses are what clients expect exactly: tus creates with 201, looks
// with 200, appends and cancels with 204.
//
// Thread safety: pure functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "http/resumable/request.hpp"

namespace photogate::http::resumable {

using semantics::HeaderField;

/// Where an upload stands.
struct Standing {
    std::uint64_t offset = 0;
    std::optional<std::uint64_t> length;  ///< nullopt: not known yet
    bool complete = false;
    std::optional<Timestamp> expires_at;  ///< while it is not complete
    std::string metadata;                 ///< Upload-Metadata, as it was sent
    std::uint64_t most = 0;               ///< bytes that it may have
};

struct Answer {
    int status = 200;
    std::vector<HeaderField> fields;
    std::string body;  ///< application/problem+json, or empty
};

/// To OPTIONS, for both protocols. `most`: bytes that an upload may have.
Answer offered(std::uint64_t most);
/// To a creation. `location`: a URL, or a path.
Answer created(const Dialect& dialect, const std::string& location, const Standing& standing);
/// Before the final answer to a creation: 104 with the URL to resume at. Of the draft alone.
Answer resumable_at(const Dialect& dialect, const std::string& location, const Standing& standing);
/// While the content of a draft's request arrives: 104 with how much of it is kept. Of versions that know of it (`tells_progress`).
Answer progress(const Dialect& dialect, const Standing& standing);
/// To HEAD.
Answer stands(const Dialect& dialect, const Standing& standing);
Answer appended(const Dialect& dialect, const Standing& standing);
Answer cancelled(const Dialect& dialect);
/// `standing`: where wrong_offset and completed are refused.
Answer refused(const Dialect& dialect, const Refusal& refusal, const Standing* standing = nullptr);

}  // namespace photogate::http::resumable
