# The standard headers that nearly every file reads, compiled once. A file includes what it uses all the same: the dev preset
# and the fuzz preset build without them.
set(PHOTOGATE_COMMON_HEADERS <algorithm> <array> <chrono> <functional> <map> <memory> <optional> <set> <span> <sstream> <string>
  <string_view> <unordered_map> <utility> <variant> <vector>)

# Where nothing has been built yet, eight sources at a time take a third of the time that each would take alone (PHOTOGATE_UNITY).
# Their internal names then differ from each other's. Alone: a source that reads a library's json, or its implementation, and the
# sources of PHOTOGATE_SEPARATE, where names still repeat.
set(PHOTOGATE_SEPARATE signer gateway/routes gateway/s3 pipeline/packages gateway_http_unit gateway_access_unit fuzz_corpora_test
  storage_http_unit notifier_callbacks_unit http_resumable_unit delivery_test imaging_integration_test storage_objects_integration gateway_config_unit)
function(photogate_compile_together target name)
  if(NOT PHOTOGATE_UNITY OR name IN_LIST PHOTOGATE_SEPARATE)
    return()
  endif()
  set(alone ${ARGN})
  list(FILTER alone INCLUDE REGEX "(_wire|/asio)\\.cpp$")
  set_source_files_properties(${alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  # A class with a member of an internal type is in one of those sources after all.
  target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
endfunction()

# Declares a module: a folder, a library and a namespace.
#
#   photogate_module(signer
#     DESCRIPTION "SigV4 and POST policies, made and verified"
#     DEPENDS base
#     LIBRARIES OpenSSL::Crypto)
#
# DESCRIPTION       one line for ARCHITECTURE.md's table
# DEPENDS           every module whose headers this one includes, and no other; each is declared earlier, so there is no cycle
# LIBRARIES         third-party libraries that the sources include
# PUBLIC_LIBRARIES  third-party libraries that the headers include and that every dependent module may include too
#
# The sources are the folder's *.cpp without main.cpp. These declarations are the only list of modules:
# tests/architecture/check_architecture.py reads them, so each argument is written out literally.
function(photogate_module name)
  cmake_parse_arguments(PARSE_ARGV 1 MODULE "" "DESCRIPTION" "DEPENDS;LIBRARIES;PUBLIC_LIBRARIES")
  if(MODULE_UNPARSED_ARGUMENTS OR NOT MODULE_DESCRIPTION)
    message(FATAL_ERROR "photogate_module(${name}): DESCRIPTION, DEPENDS, LIBRARIES and PUBLIC_LIBRARIES are what it takes")
  endif()
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  string(REPLACE "/" "_" target "photogate_${name}")
  add_library(${target} STATIC ${sources})
  string(REPLACE "/" "_" alias "photogate::${name}")
  add_library(${alias} ALIAS ${target})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR})
  foreach(dependency IN LISTS MODULE_DEPENDS)
    string(REPLACE "/" "_" dependency_target "photogate::${dependency}")
    if(NOT TARGET ${dependency_target})
      message(FATAL_ERROR "photogate_module(${name}): its dependency ${dependency} is not declared before it")
    endif()
    target_link_libraries(${target} PUBLIC ${dependency_target})
  endforeach()
  target_link_libraries(${target} PRIVATE photogate_options PUBLIC ${MODULE_PUBLIC_LIBRARIES} PRIVATE ${MODULE_LIBRARIES})
  photogate_compile_together(${target} "${name}" ${sources})
  if(name IN_LIST PHOTOGATE_WCONVERSION_MODULES)
    target_compile_options(${target} PRIVATE -Wconversion)
  endif()
  if(name STREQUAL base)
    target_precompile_headers(photogate_base PRIVATE ${PHOTOGATE_COMMON_HEADERS})
  else()
    target_precompile_headers(${target} REUSE_FROM photogate_base)
  endif()
  list(JOIN MODULE_DEPENDS " " dependencies)
  set_property(GLOBAL APPEND PROPERTY photogate_modules "${name}: ${dependencies}")
endfunction()

# Declares a program: main.cpp in this folder, built into the build folder's root. Everything else is in a module.
#
#   photogate_program(photogate DEPENDS gateway/cli gateway/system)
function(photogate_program name)
  cmake_parse_arguments(PARSE_ARGV 1 PROGRAM "" "" "DEPENDS")
  add_executable(${name} main.cpp)
  list(TRANSFORM PROGRAM_DEPENDS REPLACE "/" "_")
  list(TRANSFORM PROGRAM_DEPENDS PREPEND "photogate::")
  target_link_libraries(${name} PRIVATE ${PROGRAM_DEPENDS} photogate_options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
endfunction()

# Writes what CMake knows of the modules to modules.txt in the build folder, one "name: dependencies" a line, in the order of
# declaration. The architecture test compares it with what it read from the CMakeLists.txt files.
function(photogate_write_modules)
  get_property(modules GLOBAL PROPERTY photogate_modules)
  list(JOIN modules "\n" text)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/modules.txt" CONTENT "${text}\n" @ONLY)
endfunction()

# photogate_test(signer LABEL unit SOURCES … MODULES …): one test program, run whole by ctest and by ./test.
function(photogate_test name)
  cmake_parse_arguments(TEST "" "LABEL" "SOURCES;MODULES;LIBRARIES" ${ARGN})
  if(TEST_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "photogate_test(${name}): LABEL, SOURCES, MODULES and LIBRARIES are what it takes")
  endif()
  add_executable(${name} ${TEST_SOURCES})
  photogate_compile_together(${name} ${name} ${TEST_SOURCES})
  foreach(module IN LISTS TEST_MODULES)
    string(REPLACE "/" "_" module "${module}")
    target_link_libraries(${name} PRIVATE photogate::${module})
  endforeach()
  target_precompile_headers(${name} REUSE_FROM photogate_test_headers)
  target_link_libraries(${name} PRIVATE photogate_options GTest::gtest GTest::gmock GTest::gtest_main ${TEST_LIBRARIES})
  target_compile_definitions(${name} PRIVATE PHOTOGATE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" PHOTOGATE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/${TEST_LABEL}")
  add_test(NAME ${name} COMMAND "${PROJECT_SOURCE_DIR}/tests/rig/run-program" ${TEST_LABEL} $<TARGET_FILE:${name}>)
  set_tests_properties(${name} PROPERTIES LABELS "${TEST_LABEL}" SKIP_RETURN_CODE 77)
  add_dependencies(${TEST_LABEL}_tests ${name})
endfunction()
