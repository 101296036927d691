#include "storage/chunks/handover_channel.hpp"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "storage/records/database_state.hpp"

namespace photogate::storage::chunks {
namespace {

using Kind = HandoverMessage::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 3> kVerbs{
    {{Kind::release, "release"}, {Kind::releasing, "releasing"}, {Kind::released, "released"}}};

/// `<kind>:<to>:<upload>`
std::string to_text(const HandoverMessage& message) {
    std::string text;
    for (const auto& [kind, verb] : kVerbs) {
        if (kind == message.kind) text = verb;
    }
    return text + ":" + message.gateway + ":" + message.upload.str();
}

/// What is said to `self`; nullopt: it is for another, or of a newer program.
std::optional<HandoverMessage> message_of(std::string_view text, std::string_view self) {
    const auto first = text.find(':');
    const auto second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos || text.substr(first + 1, second - first - 1) != self)
        return std::nullopt;
    auto upload = parse_upload_id(text.substr(second + 1));
    if (!upload) return std::nullopt;
    for (const auto& [kind, verb] : kVerbs) {
        if (verb == text.substr(0, first)) return HandoverMessage{kind, {}, std::move(*upload)};
    }
    return std::nullopt;
}

}  // namespace

PostgresHandoverChannel::PostgresHandoverChannel(records::Database& database) : state_(database.state()) {}

std::string PostgresHandoverChannel::self() const {
    return state_.wakeups.hears() ? state_.wakeups.origin() : std::string{};
}

void PostgresHandoverChannel::send(const HandoverMessage& message) {
    state_.wakeups.tell_transfer(to_text(message));
}

void PostgresHandoverChannel::hear(std::function<void(const HandoverMessage&)> hear) {
    if (!hear) return state_.wakeups.hear_transfers(nullptr);
    state_.wakeups.hear_transfers(
        [hear = std::move(hear), self = self()](const std::string& origin, const std::string& text) {
            auto message = message_of(text, self);
            if (!message) return;
            message->gateway = origin;
            hear(*message);
        });
}

}  // namespace photogate::storage::chunks
