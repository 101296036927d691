// The two forms of time in SigV4: `20261120T123456Z` in X-Amz-Date and `20261120` in the credential scope.
//
// Thread safety: values.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace photogate::signer {

class AmzDate {
  public:
    /// Fractions of a second are cut off. Years 1970 to 9999; parse_amz_date and the signer hold to that.
    explicit AmzDate(Timestamp at);

    std::string_view text() const { return {text_.data(), text_.size()}; }
    std::string_view day() const { return text().substr(0, 8); }

  private:
    std::array<char, 16> text_;
};

/// Exactly `yyyymmddThhmmssZ`; nullopt otherwise.
std::optional<Timestamp> parse_amz_date(std::string_view text);

/// True where `at` can be written with four digits of a year.
bool has_amz_date(Timestamp at);

}  // namespace photogate::signer
