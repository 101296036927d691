// The transitions of an upload's state: the table of docs/states.md, which says what each one writes.
//
// storage/records makes them; PostgreSQL refuses every other one (may_become() in the migrations).
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/upload.hpp"

namespace photogate::model {

struct Transition {
    std::string_view name;            ///< `t1` to `t14`
    std::optional<UploadState> from;  ///< nullopt: the upload comes into being
    UploadState to = UploadState::created;
};

/// All of them, in the order of their names.
std::span<const Transition> transitions();

/// Whether any transition leads from one state to another one.
bool may_become(UploadState from, UploadState to);

}  // namespace photogate::model
