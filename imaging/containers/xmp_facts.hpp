// Internal: the facts that XMP tells of a photo, for what its Exif does not say.
//
// Follows: XMP specification part 2 (tiff, exif, exifEX, aux, dc, photoshop and xmp schemas).
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "imaging/containers/metadata.hpp"

namespace photogate::imaging {

class XmpFacts {
  public:
    /// Keeps the first value of a property, by its usual name (`tiff:Make`).
    void add(std::string_view property, std::string text);

    /// Fills in what is not known yet.
    void complete(Metadata& into) const;

  private:
    std::string_view text(std::string_view property) const;
    std::optional<std::string> first_of(std::initializer_list<std::string_view> properties) const;
    std::optional<double> number(std::string_view property) const;
    void complete_exposure(Exposure& into) const;
    void complete_position(Metadata& into) const;

    std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace photogate::imaging
