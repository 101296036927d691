// The independent reader of what is about to be published: everything in it that is not on the allow list, by
// name.
//
// It shares no walking code with inspect.hpp or strip.hpp and is stricter than both, so that one mistake is
// not made twice. What it cannot follow to the last byte it calls `unreadable`.
//
// Work is bounded (work_budget.hpp): what the budget does not allow to be read is `unreadable` too.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "base/encoding.hpp"
#include "imaging/work_budget.hpp"

namespace photogate::imaging {

/// Empty when clean. Names, sorted, each once: `exif`, `exif.gps`, `exif.thumbnail`, `xmp`, `iptc`,
/// `photoshop`, `comment`, `text`, `icc` (more than colour conversion needs),
/// `tables` (that no scan of a JPEG uses), `mpf`, `gain_map`, `content_credentials`,
/// `jfif.thumbnail`, `time`, `trailer`, `hidden_bytes` (of no item), `segment:APP4`, `chunk:prVt`,
/// `box:uuid`, `tag:270`, `marker:…` (found by byte search), `unreadable`. Allowed: an Exif block with
/// nothing but an orientation in a JPEG; zeroed metadata items in HEIF.
std::vector<std::string> metadata_remaining(BytesView published, WorkBudget& budget);
/// With a budget of its own.
std::vector<std::string> metadata_remaining(BytesView published);

/// Byte search for every marker of private data, also the four-letter ones that may occur by chance in
/// compressed data (about once in a thousand pictures of 4 MB): for tests and operators, not a verdict.
std::vector<std::string> private_markers(BytesView published);

}  // namespace photogate::imaging
