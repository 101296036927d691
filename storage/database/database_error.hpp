// What libpqxx throws, turned into what to do: the only place that knows its exceptions and PostgreSQL's
// SQLSTATEs (manual, appendix A).
#pragma once

#include <exception>
#include <string_view>

#include "base/result.hpp"

namespace photogate::storage::database {

enum class Remedy {
    give_up,    ///< the same would fail again
    repeat,     ///< rolled back for another's sake: 40001, 40P01, 55P03
    reconnect,  ///< the connection is lost, and what it was about to do was not committed
    leave_server,  ///< as above, and every session with this server is as bad: it can only be read, or a migration has
                   ///< changed what its prepared statements answer
    look_again,      ///< lost while COMMIT was under way: it may have happened
    come_back_later  ///< the server is there but can't serve: disk full, too many connections, a statement
                     ///< timed out
};

struct DatabaseFailure {
    Remedy remedy = Remedy::give_up;
    Error error;  ///< its detail names no value of any row
};

/// Never throws. Logs what is a mistake of ours.
DatabaseFailure translate(const std::exception_ptr& thrown) noexcept;

/// By SQLSTATE alone.
Remedy remedy_for(std::string_view sqlstate);

}  // namespace photogate::storage::database
