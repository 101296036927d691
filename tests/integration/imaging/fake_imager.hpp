// The ways in which the fake worker process lies. Thread safety: constants.
#pragma once

#include <cstdint>

namespace photogate::imaging::testing {

enum class Lie : std::uint64_t {
    none,
    garbage,
    huge_header,
    huge_body,
    endless_body,
    announced_but_not_sent,
    no_json,
    invalid_utf8,
    too_deep,
    deep_exif,
    exif_is_no_object,
    unknown_format,
    negative_width,
    no_picture,
    page_for_a_picture,
    unknown_rejection,
    foreign_error,
    dies,
    hangs,
    takes_a_while,       ///< a fifth of a second, and then answers soundly
    waits_for_its_file,  ///< until nobody else has it locked, and then answers soundly
    works_now_and_then,  ///< for two seconds, with a tenth of a processor, and then answers soundly
    two_pictures,
    picture_of_more_bytes,
    bytes_of_no_picture,
    babbles,
    not_ready,
    dies_first,
    greets_with_garbage,
    sandbox,
    silent_about_its_jail,
};

}  // namespace photogate::imaging::testing
