// What is said differently to libpqxx 6 (Debian 12) and libpqxx 7 (Debian 13): the only place that knows which of them it is.
//
// Thread safety: that of the connection, which belongs to one thread. Everything throws what libpqxx throws.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pqxx/pqxx>

namespace photogate::storage::database {

/// A text for each parameter; nullptr is null. The texts outlive the call.
using ParameterTexts = std::vector<const char*>;

/// A statement with parameters ($1, …), not prepared.
pqxx::result execute(pqxx::transaction_base& work, const std::string& text, const ParameterTexts& values);
/// One that this connection has prepared.
pqxx::result execute_prepared(pqxx::transaction_base& work, const std::string& name,
                              const ParameterTexts& values);

/// COPY of whole rows in its text format, escaped already, without the last line feed (copy_rows.hpp). `ended` is set before the
/// server is told that they are complete: what goes wrong from then on may have been written.
void copy_escaped(pqxx::transaction_base& work, const std::string& table,
                  const std::vector<const char*>& names, std::string_view rows, bool& ended);

/// How a connection is held: the server's notices go nowhere, and one that was lost stays lost. A session that
/// libpqxx made anew would lack its settings, and a lost transaction go unseen. Dies before its connection.
class ConnectionManners {
  public:
    explicit ConnectionManners(pqxx::connection& connection);
    ~ConnectionManners();
    ConnectionManners(const ConnectionManners&) = delete;
    ConnectionManners& operator=(const ConnectionManners&) = delete;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// LISTEN, outside of a transaction, and what is called with each payload while the connection waits for
/// notifications. Dies before its connection.
class Listening {
  public:
    Listening(pqxx::connection& connection, const char* channel,
              std::function<void(const std::string&)> heard);
    ~Listening();
    Listening(Listening&&) noexcept;
    Listening& operator=(Listening&&) = delete;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace photogate::storage::database
