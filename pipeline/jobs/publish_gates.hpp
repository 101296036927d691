// What a file has to pass before it is published: the malware scanner, and the app's own hook.
//
// A gate without a verdict (an error) has the job wait: it is tried again and no attempt is spent. Each function may be
// empty; then there is no such gate. Thread safety: called from several jobs at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "imaging/memory_file.hpp"
#include "model/job.hpp"
#include "model/policy/profile.hpp"
#include "pipeline/stores.hpp"

namespace photogate::pipeline::jobs {

/// The picture that is about to be published, and what is known of its upload.
struct Proven {
    const model::Job& job;
    const model::App& app;
    const model::Profile& profile;
    const model::OriginalFacts& facts;  ///< of the original
    const model::PublishedImage& image;
    const Store& store;  ///< that has the original
};

struct HookRefusal {
    std::string code;    ///< empty: none of its own
    std::string reason;  ///< empty: none
};

/// A gate that is known to be away.
struct GateAway {
    std::string gate;  ///< its name, for release_held() of the job queue
    Error error;
};

/// What the scanner says of a file.
struct Scanned {
    enum class Verdict {
        clean,
        found,   ///< detail: the signature
        beyond,  ///< detail: the limit of the scanner's that the file is beyond
        failed,  ///< detail: why there is none on this file now; there is on others
    } verdict = Verdict::clean;
    std::string detail;
};

struct PublishGates {
    /// Before anything is fetched: a gate that is known to be away would have it fetched and decoded in vain.
    std::function<std::optional<GateAway>(const model::Profile&)> away = {};
    /// Over the bytes as they came, before a decoder sees them; and their SHA-256 in hexadecimal digits.
    std::function<Result<Scanned>(const imaging::MemoryFile&, const std::string&)> scan = {};
    /// How often one file is tried on which the scanner failed.
    std::uint32_t scan_attempts = 3;
    /// A file goes on that the scanner has no verdict on; told of each. Empty: it is rejected.
    std::function<void()> pass_unscanned = {};
    /// Of a profile that has `before_publish`: nullopt allows it.
    std::function<Result<std::optional<HookRefusal>>(const Proven&)> ask = {};
};

}  // namespace photogate::pipeline::jobs
