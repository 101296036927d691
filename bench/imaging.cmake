# Beside photogate-imager the only program that links libvips: it is the measure.
add_executable(imaging_bench ${CMAKE_CURRENT_LIST_DIR}/imaging_bench.cpp)
target_link_libraries(imaging_bench PRIVATE photogate::imaging photogate_options PkgConfig::VIPS)
target_compile_definitions(imaging_bench PRIVATE PHOTOGATE_BINARY_DIR="${PROJECT_BINARY_DIR}")
set_target_properties(imaging_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
add_dependencies(imaging_bench photogate-imager)
