// Captured requests of real stores, byte for byte, and what a dialect reads from them.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events::testing {

inline const std::filesystem::path kCaptures =
    std::filesystem::path{PHOTOGATE_SOURCE_DIR} / "tests/data/captures";
inline constexpr const char* kHelloMd5 = "5eb63bbbe01eeed093cb22bb8f5acdc3";

/// The bodies of all requests in a capture.
inline std::vector<std::string> bodies(const std::filesystem::path& file) {
    std::ifstream in{file};
    const auto capture = nlohmann::json::parse(in);
    std::vector<std::string> out;
    if (capture.is_array()) {
        for (const auto& request : capture)
            out.push_back(request.at("body").get<std::string>());
    } else {
        for (const auto& event : capture.at("events"))
            out.push_back(event.at("body_verbatim").get<std::string>());
    }
    return out;
}

/// The only event of a body that is wholly readable.
inline StoreEvent only(Dialect dialect, KeyEncoding keys, const std::string& body) {
    const auto batch = parse(dialect, keys, body);
    if (!batch || batch->events.size() != 1) {
        ADD_FAILURE() << (batch ? "not one event" : batch.error().detail) << ": " << body;
        return {};
    }
    EXPECT_TRUE(batch->unreadable.empty());
    EXPECT_TRUE(batch->notes.empty());
    return batch->events.front();
}

/// Why the body is not one of the dialect; empty where it is.
inline std::string refusal(Dialect dialect, const std::string& body) {
    const auto batch = parse(dialect, KeyEncoding::raw, body);
    return batch ? std::string{} : batch.error().detail;
}

}  // namespace photogate::notifier::events::testing
