// What gateways tell one another about who receives an upload's bytes: hints, by PostgreSQL's NOTIFY. None is relied upon: the
// epoch of chunk_store.hpp decides what counts.
//
// Thread safety: every call from any thread; see hear().
#pragma once

#include <functional>
#include <string>

#include "base/words.hpp"
#include "storage/records/database.hpp"

namespace photogate::storage::chunks {

struct HandoverMessage {
    enum class Kind {
        release,    ///< somebody else wants the upload: store what has come and let it go
        releasing,  ///< that is being done
        released,   ///< it is free, or was
    };
    Kind kind = Kind::release;
    std::string gateway;  ///< sent to it; heard from it
    UploadId upload;
};

class HandoverChannel {
  public:
    virtual ~HandoverChannel() = default;
    /// As which the others know this gateway; empty: it can't be told anything (behind a pooler).
    virtual std::string self() const = 0;
    /// May be lost. Does not wait.
    virtual void send(const HandoverMessage& message) = 0;
    /// `hear` gets what is sent to this gateway, on one thread, and must not block. Null: no more, and no call is under way when
    /// this returns.
    virtual void hear(std::function<void(const HandoverMessage&)> hear) = 0;
};

class PostgresHandoverChannel final : public HandoverChannel {
  public:
    explicit PostgresHandoverChannel(records::Database& database);
    std::string self() const override;
    void send(const HandoverMessage& message) override;
    void hear(std::function<void(const HandoverMessage&)> hear) override;

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::chunks
