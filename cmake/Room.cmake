# The standard headers that nearly every file reads, compiled once. A file includes what it uses all the same: the dev preset
# and the fuzz preset build without them.
set(PHOTOGATE_COMMON_HEADERS <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <set> <span> <sstream> <string>
  <string_view> <unordered_map> <utility> <variant> <vector>)

# One helper declares a room: a folder, a library and a namespace.
#
#   photogate_room(signer LEANS_ON base OWNS OpenSSL::Crypto)
#
# Sources are the folder's *.cpp, minus SUBROOMS that declare themselves. LEANS_ON names other rooms; OWNS names the
# third-party libraries that only this room may include. tests/architecture holds the same table against the code.
function(photogate_room name)
  cmake_parse_arguments(ROOM "" "" "LEANS_ON;OWNS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  string(REPLACE "/" "_" target "${name}")
  add_library(photogate_${target} STATIC ${sources})
  add_library(photogate::${target} ALIAS photogate_${target})
  target_include_directories(photogate_${target} PUBLIC ${PROJECT_SOURCE_DIR})
  foreach(room IN LISTS ROOM_LEANS_ON)
    string(REPLACE "/" "_" room "${room}")
    target_link_libraries(photogate_${target} PUBLIC photogate::${room})
  endforeach()
  target_link_libraries(photogate_${target} PRIVATE photogate_options PUBLIC ${ROOM_OWNS})
  if(name STREQUAL base)
    target_precompile_headers(photogate_base PRIVATE ${PHOTOGATE_COMMON_HEADERS})
  else()
    target_precompile_headers(photogate_${target} REUSE_FROM photogate_base)
  endif()
endfunction()

# photogate_test(signer SOURCES … ROOMS …): one test program, run whole by ctest and by ./test.
function(photogate_test name)
  cmake_parse_arguments(TEST "" "LABEL" "SOURCES;ROOMS;LIBRARIES" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  foreach(room IN LISTS TEST_ROOMS)
    string(REPLACE "/" "_" room "${room}")
    target_link_libraries(${name} PRIVATE photogate::${room})
  endforeach()
  target_precompile_headers(${name} REUSE_FROM photogate_test_headers)
  target_link_libraries(${name} PRIVATE photogate_options GTest::gtest GTest::gmock GTest::gtest_main ${TEST_LIBRARIES})
  target_compile_definitions(${name} PRIVATE PHOTOGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PHOTOGATE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${TEST_LABEL}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABEL}")
  add_dependencies(${TEST_LABEL}_tests ${name})
endfunction()
