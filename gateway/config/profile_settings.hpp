// A profile that is said in JSON, by the rules of `[apps.NAME.profiles.NAME]`: the same keys, defaults, ranges and rules, from
// the same table.
//
//     {"max_size": "10MiB", "formats": ["jpeg", "png"], "variants": {"thumb": {"width": 320}}}
//
// What names files of the server is refused: who may say a profile from afar may not have a gateway read its files.
//
// Thread safety: pure functions.
#pragma once

#include "base/json/value.hpp"
#include "base/result.hpp"
#include "base/words.hpp"
#include "gateway/config/config.hpp"
#include "model/policy/profile.hpp"

namespace photogate::gateway::config {

/// Of the JSON of one profile.
inline constexpr json::Bounds kProfileBounds{.bytes = 16U << 10, .depth = 4, .nodes = 2'000};

/// `settings` is an object; a member that is null counts as absent. Errors: each wrong member with its pointer, as
/// unknown_member or invalid_field; several as invalid_fields.
Result<model::Profile> read_profile(const AppName& app, const ProfileName& name, const json::Value& settings);

/// What this installation can't hold a profile to, although it is one: `apps` are those of the configuration. Errors:
/// invalid_field or invalid_fields, as above.
Result<> check_place(const model::Profile& profile, const Config& config, const model::Apps& apps);

/// A deleted profile's uploads belong to who makes one of its name. `settings` are those of the deleted one: what was private does
/// not become public with them. Settings that can't be read count as private. Errors: invalid_fields at /private.
Result<> check_successor(const AppName& app, const model::Profile& profile, const std::string& settings);

}  // namespace photogate::gateway::config
