# The walkers compiled once for all imaging targets, so that libFuzzer sees their branches. Clang only:
#   cmake -B build/fuzz -DPHOTOGATE_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-14
#   fuzz_imaging_inspect -max_total_time=60 CORPUS SEEDS
include_guard(GLOBAL)
find_package(ZLIB REQUIRED)
set(fuzz_flags -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
file(GLOB fuzz_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/imaging/containers/*.cpp")
add_library(fuzz_imaging_containers OBJECT ${fuzz_sources} "${PROJECT_SOURCE_DIR}/base/encoding.cpp")
target_include_directories(fuzz_imaging_containers PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(fuzz_imaging_containers PUBLIC photogate_options ZLIB::ZLIB nlohmann_json::nlohmann_json tl::expected fmt::fmt)
target_compile_options(fuzz_imaging_containers PUBLIC ${fuzz_flags} -g -O1)
target_link_options(fuzz_imaging_containers PUBLIC ${fuzz_flags})
