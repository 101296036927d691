// What stands between photogate and PostgreSQL.
//
// A pooler that deals server sessions out by the transaction (PgBouncer's `transaction` mode) gives each
// transaction another session. Nothing may be left in one then: statements are not prepared under names,
// settings are made inside each transaction, locks end with theirs, and LISTEN is not used, so that other
// gateways' work is found by polling.
//
// No code: the word alone.
#pragma once

namespace photogate::storage::database {

enum class Pooler {
    none,         ///< PostgreSQL itself, or a pooler that gives each connection a session of its own
    transaction,  ///< a session for each transaction
};

}  // namespace photogate::storage::database
