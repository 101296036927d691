#include "imaging/containers/gps.hpp"

#include <array>
#include <cmath>

#include "imaging/containers/exif_values.hpp"

namespace photogate::imaging {

namespace {

/// Seven digits: a centimetre.
double rounded(double degrees) {
    return std::round(degrees * 1e7) / 1e7 + 0.0;
}

bool is_within(const GpsAngle& angle, double most) {
    return angle.degrees && *angle.degrees >= 0 && *angle.degrees <= most;
}

std::optional<double> altitude_of(const GpsParts& parts) {
    if (!parts.altitude || !parts.below) return parts.altitude;
    const double magnitude = std::abs(*parts.altitude);
    return *parts.below ? -magnitude : magnitude;
}

}  // namespace

char side_of(std::string_view reference) {
    const std::size_t first = reference.find_first_not_of(' ');
    if (first == std::string_view::npos) return '\0';
    switch (reference[first]) {
        case 'N':
        case 'n':
            return 'N';
        case 'S':
        case 's':
            return 'S';
        case 'E':
        case 'e':
            return 'E';
        case 'W':
        case 'w':
            return 'W';
        default:
            return '\0';
    }
}

GpsAngle angle_of(std::string_view text, char positive, char negative) {
    GpsAngle angle;
    if (!text.empty()) angle.side = side_of(text.substr(text.size() - 1));
    if (angle.side != '\0') text.remove_suffix(1);
    double sum = 0;
    double unit = 1;
    for (int part = 0; part < 3; ++part) {
        const std::size_t comma = text.find(',');
        const std::optional<double> number = exif::decimal_of(text.substr(0, comma));
        if (!number) return {};
        if (part == 0 && angle.side == '\0') angle.side = std::signbit(*number) ? negative : positive;
        sum += std::abs(*number) * unit;
        unit /= 60;
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
    }
    angle.degrees = sum;
    return angle;
}

bool names_a_place(const GpsParts& parts) {
    return is_within(parts.latitude, 90) && is_within(parts.longitude, 180) &&
           (*parts.latitude.degrees != 0 || *parts.longitude.degrees != 0);
}

std::optional<GpsPosition> position_of(const GpsParts& parts) {
    if (!names_a_place(parts)) return std::nullopt;
    const char north = parts.latitude.side;
    const char east = parts.longitude.side;
    if ((north != 'N' && north != 'S') || (east != 'E' && east != 'W')) return std::nullopt;
    GpsPosition position;
    position.latitude = rounded(north == 'S' ? -*parts.latitude.degrees : *parts.latitude.degrees);
    position.longitude = rounded(east == 'W' ? -*parts.longitude.degrees : *parts.longitude.degrees);
    position.altitude = altitude_of(parts);
    return position;
}

}  // namespace photogate::imaging
