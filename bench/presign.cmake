add_executable(presign_bench ${CMAKE_CURRENT_LIST_DIR}/presign_bench.cpp)
target_link_libraries(presign_bench PRIVATE photogate::signer photogate_options benchmark::benchmark)
set_target_properties(presign_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
