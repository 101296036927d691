// libFuzzer's entry point to this program's target.
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    photogate::fuzz::all().front().run({data, size});
    return 0;
}
