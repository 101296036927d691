#include "storage/records/token_ledger.hpp"

namespace photogate::storage::records {

using database::params;
using database::SqlArray;
using database::Transaction;

namespace {

ByteSize weight(const NewUpload& item) {
    return item.upload.declared_size.value_or(0);
}

}  // namespace

TokenLedger::TokenLedger(Transaction& transaction, std::span<const NewUpload> items,
                         const std::set<std::string>& stored) {
    SqlArray ids, apps, profiles, ends;
    for (const auto& item : items) {
        if (!item.token || !item.upload.client_token || stored.contains(item.upload.id.str())) continue;
        if (!accounts_.emplace(*item.upload.client_token, Account{}).second) continue;
        ids.add(*item.upload.client_token);
        apps.add(item.upload.app.str());
        profiles.add(item.upload.profile.str());
        ends.add(database::sql_timestamp(item.token->expires_at));
    }
    if (accounts_.empty()) return;
    for (const auto& row : transaction.run("open_tokens", params(ids, apps, profiles, ends))) {
        auto& account = accounts_.at(row[0].c_str());
        account.reserved.uploads = row[1].as<std::uint64_t>();
        account.reserved.bytes = row[2].as<std::uint64_t>();
    }
}

bool TokenLedger::holds(const NewUpload& item) const {
    return item.token && item.upload.client_token && accounts_.contains(*item.upload.client_token);
}

bool TokenLedger::admit(const NewUpload& item) {
    if (!holds(item)) return true;
    auto& reserved = accounts_.at(*item.upload.client_token).reserved;
    const auto bytes = weight(item);
    const bool fits = reserved.uploads < item.token->uploads &&
                      (!item.token->bytes || (reserved.bytes <= *item.token->bytes &&
                                              bytes <= *item.token->bytes - reserved.bytes));
    if (!fits) {
        refused_.insert(*item.upload.client_token);
        return false;
    }
    ++reserved.uploads;
    reserved.bytes += bytes;
    return true;
}

bool TokenLedger::refused(const NewUpload& item) const {
    return holds(item) && refused_.contains(*item.upload.client_token);
}

void TokenLedger::count(const NewUpload& item) {
    if (!holds(item)) return;
    auto& written = accounts_.at(*item.upload.client_token).written;
    ++written.uploads;
    written.bytes += weight(item);
}

void TokenLedger::settle(Transaction& transaction) const {
    SqlArray ids, uploads, bytes;
    bool any = false;
    for (const auto& [id, account] : accounts_) {
        if (account.written.uploads == 0) continue;
        any = true;
        ids.add(id);
        uploads.add(std::to_string(account.written.uploads));
        bytes.add(std::to_string(account.written.bytes));
    }
    if (any) transaction.run("count_token_uses", params(ids, uploads, bytes));
}

}  // namespace photogate::storage::records
