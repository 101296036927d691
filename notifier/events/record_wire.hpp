// One record of a message, read by its dialect's row.
//
// For this module's *_wire.cpp alone. Thread safety: pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "notifier/events/dialect_table.hpp"

namespace photogate::notifier::events {

struct RecordReading {
    enum class Kind { event, unreadable, of_no_object };
    Kind kind = Kind::event;
    StoreEvent event;
    std::string refusal;  ///< why it is unreadable
    std::vector<std::string> notes;
};

RecordReading read_record(const nlohmann::json& record, const DialectRow& row, KeyEncoding keys);

/// `s3:ObjectCreated:Put` as the dialect's events have it.
std::string_view without_prefix(std::string_view name, const Shape& shape);

}  // namespace photogate::notifier::events
