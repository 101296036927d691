#include "imaging/containers/exif_tags.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace photogate::imaging {

namespace {

struct Named {
    std::uint16_t tag;
    std::string_view name;
};

constexpr std::array kImage = {
    Named{0x00fe, "SubfileType"},
    Named{0x0100, "ImageWidth"},
    Named{0x0101, "ImageHeight"},
    Named{0x0102, "BitsPerSample"},
    Named{0x0103, "Compression"},
    Named{0x0106, "PhotometricInterpretation"},
    Named{0x010d, "DocumentName"},
    Named{0x010e, "ImageDescription"},
    Named{0x010f, "Make"},
    Named{0x0110, "Model"},
    Named{0x0112, "Orientation"},
    Named{0x0115, "SamplesPerPixel"},
    Named{0x011a, "XResolution"},
    Named{0x011b, "YResolution"},
    Named{0x011c, "PlanarConfiguration"},
    Named{0x0128, "ResolutionUnit"},
    Named{0x0131, "Software"},
    Named{0x0132, "ModifyDate"},
    Named{0x013b, "Artist"},
    Named{0x013c, "HostComputer"},
    Named{0x013e, "WhitePoint"},
    Named{0x013f, "PrimaryChromaticities"},
    Named{0x0211, "YCbCrCoefficients"},
    Named{0x0212, "YCbCrSubSampling"},
    Named{0x0213, "YCbCrPositioning"},
    Named{0x0214, "ReferenceBlackWhite"},
    Named{0x4746, "Rating"},
    Named{0x4749, "RatingPercent"},
    Named{0x8298, "Copyright"},
    Named{0x9c9b, "XPTitle"},
    Named{0x9c9c, "XPComment"},
    Named{0x9c9d, "XPAuthor"},
    Named{0x9c9e, "XPKeywords"},
    Named{0x9c9f, "XPSubject"},
};

constexpr std::array kExifTags = {
    Named{0x829a, "ExposureTime"},
    Named{0x829d, "FNumber"},
    Named{0x8822, "ExposureProgram"},
    Named{0x8824, "SpectralSensitivity"},
    Named{0x8827, "ISO"},
    Named{0x8830, "SensitivityType"},
    Named{0x8831, "StandardOutputSensitivity"},
    Named{0x8832, "RecommendedExposureIndex"},
    Named{0x8833, "ISOSpeed"},
    Named{0x9000, "ExifVersion"},
    Named{0x9003, "DateTimeOriginal"},
    Named{0x9004, "CreateDate"},
    Named{0x9010, "OffsetTime"},
    Named{0x9011, "OffsetTimeOriginal"},
    Named{0x9012, "OffsetTimeDigitized"},
    Named{0x9101, "ComponentsConfiguration"},
    Named{0x9102, "CompressedBitsPerPixel"},
    Named{0x9201, "ShutterSpeedValue"},
    Named{0x9202, "ApertureValue"},
    Named{0x9203, "BrightnessValue"},
    Named{0x9204, "ExposureCompensation"},
    Named{0x9205, "MaxApertureValue"},
    Named{0x9206, "SubjectDistance"},
    Named{0x9207, "MeteringMode"},
    Named{0x9208, "LightSource"},
    Named{0x9209, "Flash"},
    Named{0x920a, "FocalLength"},
    Named{0x9214, "SubjectArea"},
    Named{0x9286, "UserComment"},
    Named{0x9290, "SubSecTime"},
    Named{0x9291, "SubSecTimeOriginal"},
    Named{0x9292, "SubSecTimeDigitized"},
    Named{0x9400, "AmbientTemperature"},
    Named{0x9401, "Humidity"},
    Named{0x9402, "Pressure"},
    Named{0x9403, "WaterDepth"},
    Named{0x9404, "Acceleration"},
    Named{0x9405, "CameraElevationAngle"},
    Named{0xa000, "FlashpixVersion"},
    Named{0xa001, "ColorSpace"},
    Named{0xa002, "ExifImageWidth"},
    Named{0xa003, "ExifImageHeight"},
    Named{0xa004, "RelatedSoundFile"},
    Named{0xa20b, "FlashEnergy"},
    Named{0xa20e, "FocalPlaneXResolution"},
    Named{0xa20f, "FocalPlaneYResolution"},
    Named{0xa210, "FocalPlaneResolutionUnit"},
    Named{0xa214, "SubjectLocation"},
    Named{0xa215, "ExposureIndex"},
    Named{0xa217, "SensingMethod"},
    Named{0xa300, "FileSource"},
    Named{0xa301, "SceneType"},
    Named{0xa401, "CustomRendered"},
    Named{0xa402, "ExposureMode"},
    Named{0xa403, "WhiteBalance"},
    Named{0xa404, "DigitalZoomRatio"},
    Named{0xa405, "FocalLengthIn35mmFormat"},
    Named{0xa406, "SceneCaptureType"},
    Named{0xa407, "GainControl"},
    Named{0xa408, "Contrast"},
    Named{0xa409, "Saturation"},
    Named{0xa40a, "Sharpness"},
    Named{0xa40c, "SubjectDistanceRange"},
    Named{0xa420, "ImageUniqueID"},
    Named{0xa430, "OwnerName"},
    Named{0xa431, "SerialNumber"},
    Named{0xa432, "LensInfo"},
    Named{0xa433, "LensMake"},
    Named{0xa434, "LensModel"},
    Named{0xa435, "LensSerialNumber"},
    Named{0xa460, "CompositeImage"},
    Named{0xa500, "Gamma"},
};

constexpr std::array kGps = {
    Named{0x0000, "GPSVersionID"},       Named{0x0001, "GPSLatitudeRef"},
    Named{0x0002, "GPSLatitude"},        Named{0x0003, "GPSLongitudeRef"},
    Named{0x0004, "GPSLongitude"},       Named{0x0005, "GPSAltitudeRef"},
    Named{0x0006, "GPSAltitude"},        Named{0x0007, "GPSTimeStamp"},
    Named{0x0008, "GPSSatellites"},      Named{0x0009, "GPSStatus"},
    Named{0x000a, "GPSMeasureMode"},     Named{0x000b, "GPSDOP"},
    Named{0x000c, "GPSSpeedRef"},        Named{0x000d, "GPSSpeed"},
    Named{0x000e, "GPSTrackRef"},        Named{0x000f, "GPSTrack"},
    Named{0x0010, "GPSImgDirectionRef"}, Named{0x0011, "GPSImgDirection"},
    Named{0x0012, "GPSMapDatum"},        Named{0x0013, "GPSDestLatitudeRef"},
    Named{0x0014, "GPSDestLatitude"},    Named{0x0015, "GPSDestLongitudeRef"},
    Named{0x0016, "GPSDestLongitude"},   Named{0x0017, "GPSDestBearingRef"},
    Named{0x0018, "GPSDestBearing"},     Named{0x0019, "GPSDestDistanceRef"},
    Named{0x001a, "GPSDestDistance"},    Named{0x001b, "GPSProcessingMethod"},
    Named{0x001c, "GPSAreaInformation"}, Named{0x001d, "GPSDateStamp"},
    Named{0x001e, "GPSDifferential"},    Named{0x001f, "GPSHPositioningError"},
};

std::span<const Named> table(ExifDirectory directory) {
    switch (directory) {
        case ExifDirectory::image:
            return kImage;
        case ExifDirectory::exif:
            return kExifTags;
        case ExifDirectory::gps:
            return kGps;
        case ExifDirectory::interop:
            return {};
    }
    return {};
}

}  // namespace

std::string_view exif_tag_name(ExifDirectory directory, std::uint16_t tag) {
    const std::span<const Named> names = table(directory);
    const auto it =
        std::lower_bound(names.begin(), names.end(), tag,
                         [](const Named& named, std::uint16_t wanted) { return named.tag < wanted; });
    return it != names.end() && it->tag == tag ? it->name : std::string_view{};
}

}  // namespace photogate::imaging
