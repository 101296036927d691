# What the HTTP core costs: http_trivial against http_baseline, both under the same load generator.
add_executable(http_baseline ${CMAKE_CURRENT_LIST_DIR}/http_baseline.cpp)
target_link_libraries(http_baseline PRIVATE photogate_options photogate::gateway_http)
add_executable(http_trivial ${CMAKE_CURRENT_LIST_DIR}/http_trivial.cpp)
target_link_libraries(http_trivial PRIVATE photogate_options photogate::gateway_http)
