#include "storage/database/libpqxx.hpp"

#include <tuple>
#include <utility>

#if PQXX_VERSION_MAJOR < 7

namespace photogate::storage::database {
namespace {

/// Rows of COPY that are escaped already.
struct EscapedRows {
    std::string_view text;
};

}  // namespace
}  // namespace photogate::storage::database

// It escapes each field in two strings of its own, and has no other way into its stream.
template <>
inline std::string pqxx::internal::TypedCopyEscaper::operator()(
    const photogate::storage::database::EscapedRows* rows) const {
    return std::string{rows->text};
}

namespace photogate::storage::database {

pqxx::result execute(pqxx::transaction_base& work, const std::string& text, const ParameterTexts& values) {
    return work.exec_params(text, pqxx::prepare::make_dynamic_params(values));
}

pqxx::result execute_prepared(pqxx::transaction_base& work, const std::string& name,
                              const ParameterTexts& values) {
    return work.exec_prepared(name, pqxx::prepare::make_dynamic_params(values));
}

void copy_escaped(pqxx::transaction_base& work, const std::string& table,
                  const std::vector<const char*>& names, std::string_view rows, bool& ended) {
    pqxx::stream_to stream{work, table, names};
    stream << std::tuple{EscapedRows{rows}};
    ended = true;
    stream.complete();
}

struct ConnectionManners::State {
    pqxx::quiet_errorhandler quiet;
};

ConnectionManners::ConnectionManners(pqxx::connection& connection)
    : state_(new State{pqxx::quiet_errorhandler{connection}}) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // deprecated because version 7 never reactivates
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

struct Listening::State final : pqxx::notification_receiver {
    State(pqxx::connection& connection, const char* channel, std::function<void(const std::string&)> call)
        : notification_receiver(connection, channel), heard(std::move(call)) {}
    void operator()(const std::string& payload, int) override { heard(payload); }

    std::function<void(const std::string&)> heard;
};

Listening::Listening(pqxx::connection& connection, const char* channel,
                     std::function<void(const std::string&)> heard)
    : state_(std::make_unique<State>(connection, channel, std::move(heard))) {}

}  // namespace photogate::storage::database

#else

namespace photogate::storage::database {
namespace {

pqxx::params to_params(const ParameterTexts& values) {
    pqxx::params all;
    all.reserve(values.size());
    for (const char* value : values) {
        if (value == nullptr) {
            all.append();
        } else {
            all.append(pqxx::zview{value});
        }
    }
    return all;
}

/// It escapes every field anew, and keeps the writer of finished lines to itself. Arguments of an explicit instantiation may name
/// what is private (C++20, [temp.spec.general]).
template <auto writer>
struct LineWriter {
    friend void write_lines(pqxx::stream_to& stream, std::string_view rows) { (stream.*writer)(rows); }
};
void write_lines(pqxx::stream_to& stream, std::string_view rows);
template struct LineWriter<&pqxx::stream_to::write_raw_line>;

}  // namespace

pqxx::result execute(pqxx::transaction_base& work, const std::string& text, const ParameterTexts& values) {
    return work.exec(text, to_params(values));
}

pqxx::result execute_prepared(pqxx::transaction_base& work, const std::string& name,
                              const ParameterTexts& values) {
    return work.exec(pqxx::prepped{name}, to_params(values));
}

void copy_escaped(pqxx::transaction_base& work, const std::string& table,
                  const std::vector<const char*>& names, std::string_view rows, bool& ended) {
    const auto& connection = work.conn();
    auto stream =
        pqxx::stream_to::raw_table(work, connection.quote_table(table), connection.quote_columns(names));
    write_lines(stream, rows);
    ended = true;
    stream.complete();
}

struct ConnectionManners::State {};

ConnectionManners::ConnectionManners(pqxx::connection& connection) {
    connection.set_notice_handler([](pqxx::zview) {});
}

struct Listening::State {};  // the connection keeps what it calls

Listening::Listening(pqxx::connection& connection, const char* channel,
                     std::function<void(const std::string&)> heard) {
    connection.listen(channel, [heard = std::move(heard)](const pqxx::notification& said) {
        heard(std::string{said.payload});
    });
}

}  // namespace photogate::storage::database

#endif

namespace photogate::storage::database {

ConnectionManners::~ConnectionManners() = default;
Listening::~Listening() = default;
Listening::Listening(Listening&&) noexcept = default;

}  // namespace photogate::storage::database
