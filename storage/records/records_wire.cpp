#include "storage/records/records_wire.hpp"

#include <nlohmann/json.hpp>

namespace photogate::storage::records {

using nlohmann::json;

std::string to_json_text(const model::TextMap& map) {
    if (map.empty()) return "{}";
    json object = json::object();
    for (const auto& [name, value] : map)
        object[name] = value;
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

model::TextMap parse_text_map(std::string_view text) {
    model::TextMap map;
    if (text == "{}" || text.empty()) return map;
    const json object = json::parse(text, nullptr, false);
    if (!object.is_object()) return map;
    for (const auto& [name, value] : object.items()) {
        if (value.is_string()) map.emplace(name, value.get<std::string>());
    }
    return map;
}

}  // namespace photogate::storage::records
