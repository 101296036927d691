// What a file has to pass before it is published: the malware scanner, and the app's own hook.
//
// A gate without a verdict (an error) has the job wait: it is tried again and no attempt is spent. Each function may be
// empty; then there is no such gate. Thread safety: called from several jobs at once.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "imaging/memory_file.hpp"
#include "model/job.hpp"
#include "model/policy/profile.hpp"

namespace photogate::pipeline::jobs {

/// The picture that is about to be published, and what is known of its upload.
struct Proven {
    const model::Job& job;
    const model::App& app;
    const model::Profile& profile;
    const model::OriginalFacts& facts;  ///< of the original
    const model::PublishedImage& image;
};

struct HookRefusal {
    std::string code;    ///< empty: none of its own
    std::string reason;  ///< empty: none
};

struct PublishGates {
    /// Before anything is fetched: a gate that is known to be away would have it fetched and decoded in vain.
    std::function<std::optional<Error>(const model::Profile&)> away = {};
    /// Over the bytes as they came, before a decoder sees them: the signature that was found.
    std::function<Result<std::optional<std::string>>(const imaging::MemoryFile&)> scan = {};
    /// Of a profile that has `before_publish`: nullopt allows it.
    std::function<Result<std::optional<HookRefusal>>(const Proven&)> ask = {};
};

}  // namespace photogate::pipeline::jobs
