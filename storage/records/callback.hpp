// The outbox: what an app server is to be told, written in the transaction that made it true.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "base/words.hpp"
#include "storage/records/upload.hpp"

namespace photogate::storage::records {

enum class CallbackType {
    upload_received,
    upload_published,
    upload_rejected,
    upload_failed,
    upload_expired,
    upload_deleted
};
/// `upload.received`, …
std::string_view to_string(CallbackType type);

enum class CallbackState { waiting, delivered, dead };
std::string_view to_string(CallbackState state);
std::optional<CallbackState> parse_callback_state(std::string_view word);

/// A callback as composed: its bytes are stored once and sent verbatim at each attempt.
struct ComposedCallback {
    CallbackId id;
    std::string url;
    std::string body;
};

/// Makes a callback's body out of the row as the transaction leaves it. Called inside a transaction: it does
/// no I/O, is quick, and may be called from several threads at once.
class CallbackComposer {
  public:
    virtual ~CallbackComposer() = default;
    /// nullopt: this app is not to be told of this. `upload.sequence` is already the callback's own.
    virtual std::optional<ComposedCallback> compose(CallbackType type, const Upload& upload,
                                                    Timestamp now) const = 0;
};

struct Callback {
    CallbackId id;
    AppName app;
    UploadId upload;
    CallbackType type = CallbackType::upload_received;
    std::int64_t sequence = 0;
    std::string url;
    std::string body;
    CallbackState state = CallbackState::waiting;
    std::uint32_t attempts = 0;
    Timestamp created_at;
    std::optional<Timestamp> next_attempt_at;
    std::string lease_token;  ///< of a claimed one
};

/// One try at delivering, and what follows from it.
struct CallbackAttempt {
    enum class Verdict { delivered, again, dead };
    CallbackId callback;
    std::string lease_token;
    std::string url;
    Timestamp at;
    std::optional<int> status;  ///< absent where no answer came
    std::string error;          ///< class: dns, connect, tls, timeout, blocked, status; empty on success
    std::chrono::milliseconds latency{};
    std::string answer;  ///< its first 1 KiB
    Verdict verdict = Verdict::again;
    std::optional<Timestamp> next_attempt_at;  ///< for `again`
    /// 410: nothing more goes to this URL until it is resumed; its callbacks stay waiting.
    bool pause_endpoint = false;
};

}  // namespace photogate::storage::records
