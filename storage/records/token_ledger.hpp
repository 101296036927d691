// What client tokens have left, counted inside the transaction that creates uploads.
//
// Construction locks the rows of every token in the group, so limits hold over any number of gateways.
//
// Thread safety: one transaction, one thread.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include "storage/database/transaction.hpp"
#include "storage/records/records.hpp"

namespace photogate::storage::records {

class TokenLedger {
  public:
    /// Opens the tokens of those items whose id is not among `stored`.
    TokenLedger(database::Transaction& transaction, std::span<const NewUpload> items,
                const std::set<std::string>& stored);

    /// Whether the item is made with a token that is counted here.
    bool holds(const NewUpload& item) const;
    /// Whether it still fits; then it is reserved. An item without a token always does.
    bool admit(const NewUpload& item);
    bool refused(const NewUpload& item) const;
    /// The item was written.
    void count(const NewUpload& item);
    void settle(database::Transaction& transaction) const;

  private:
    struct Use {
        std::uint64_t uploads = 0;
        ByteSize bytes = 0;
    };
    struct Account {
        Use reserved;  ///< used before, and admitted here
        Use written;   ///< here
    };
    std::map<std::string, Account> accounts_;
    std::set<std::string> refused_;  ///< tokens that refused something
};

}  // namespace photogate::storage::records
