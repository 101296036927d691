#include "imaging/prove_watermark.hpp"

#include <array>
#include <utility>
#include <variant>

#include "imaging/memory_file.hpp"

namespace photogate::imaging {
namespace {

/// One black pixel.
constexpr std::array<std::uint8_t, 35> kTinyGif = {'G',  'I',  'F',  '8',  '9',  'a',  0x01, 0x00, 0x01,
                                                   0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF,
                                                   0xFF, 0x2C, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01,
                                                   0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3B};

}  // namespace

Result<> prove_watermark(ImageProcessor& imagers, const Watermark& mark) {
    auto file = MemoryFile::create("proof");
    if (!file) return fail(file.error());
    if (auto kept = file->append(kTinyGif); !kept) return kept;
    if (auto sealed = file->seal(); !sealed) return sealed;
    Task task;
    task.file = file->descriptor();
    task.size = file->size();
    task.render({.format = Format::png, .watermark = mark});
    const auto outcome = imagers.run(task);
    if (!outcome) return fail(outcome.error());
    if (const auto* rejection = std::get_if<Rejection>(&*outcome))
        return fail(ErrorCode::internal,
                    "the picture that a watermark is tried on is rejected: " + rejection->detail);
    return {};
}

}  // namespace photogate::imaging
