// The pictures that scripts/make-pictures wrote, and shorthands to look at them.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "imaging/containers/inspect.hpp"
#include "imaging/containers/strip.hpp"

namespace photogate::imaging::testing {

inline Bytes read_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    EXPECT_TRUE(in) << path;
    Bytes bytes(std::filesystem::file_size(path));
    EXPECT_TRUE(in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())));
    return bytes;
}

inline Bytes picture(std::string_view name) {
    return read_file(std::filesystem::path(PHOTOGATE_PICTURES) / name);
}

inline std::vector<std::string> all_pictures() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(PHOTOGATE_PICTURES))
        names.push_back(entry.path().filename());
    return names;
}

/// One with metadata in every place, for each format.
inline const std::vector<std::string>& camera_pictures() {
    static const std::vector<std::string> names = {"camera.jpg", "camera.png",  "camera.webp", "camera.gif",
                                                   "camera.tif", "camera.avif", "camera.heic"};
    return names;
}

inline Inspection inspected(BytesView file) {
    const auto found = inspect(file, Limits{});
    EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().detail);
    return found ? *found : Inspection{};
}

inline bool contains(BytesView bytes, std::string_view text) {
    return as_text(bytes).find(text) != std::string_view::npos;
}

/// The code of a refusal; fails the test where there is none.
inline RejectionCode refusal(BytesView file, const Limits& limits = {}) {
    const auto found = inspect(file, limits);
    EXPECT_FALSE(found.has_value());
    return found ? RejectionCode::timeout : found.error().code;
}

inline Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

/// Replaces the first occurrence.
inline Bytes replaced(Bytes bytes, std::string_view from, std::string_view to) {
    const std::size_t at = as_text(bytes).find(from);
    EXPECT_NE(at, std::string_view::npos) << from;
    if (at == std::string_view::npos) return bytes;
    bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                bytes.begin() + static_cast<std::ptrdiff_t>(at + from.size()));
    bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), to.begin(), to.end());
    return bytes;
}

}  // namespace photogate::imaging::testing
