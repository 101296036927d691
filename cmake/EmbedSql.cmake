# The .sql files of a module become part of the program.
#
#   photogate_embed_sql(storage/records NAMESPACE photogate::storage::records HEADER storage/records/embedded_sql.hpp
#     FOLDERS migrations queries)
#
# For each folder the build writes a function `const std::vector<sql::SqlFile>& <folder>_files()`, which HEADER declares. Files are
# in the order of their names. This file is also the script that writes the source.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(PHOTOGATE_EMBED_SQL "${CMAKE_CURRENT_LIST_FILE}")
  function(photogate_embed_sql module)
    cmake_parse_arguments(PARSE_ARGV 1 EMBED "" "NAMESPACE;HEADER" "FOLDERS")
    set(patterns "")
    foreach(folder IN LISTS EMBED_FOLDERS)
      list(APPEND patterns "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.sql")
    endforeach()
    file(GLOB files CONFIGURE_DEPENDS ${patterns})
    set(output "${CMAKE_CURRENT_BINARY_DIR}/embedded_sql.cpp")
    list(JOIN EMBED_FOLDERS "," folders)
    add_custom_command(
      OUTPUT "${output}"
      COMMAND "${CMAKE_COMMAND}" "-DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}" "-DOUTPUT=${output}" "-DNAMESPACE=${EMBED_NAMESPACE}"
              "-DHEADER=${EMBED_HEADER}" "-DFOLDERS=${folders}" -P "${PHOTOGATE_EMBED_SQL}"
      DEPENDS ${files} "${PHOTOGATE_EMBED_SQL}"
      VERBATIM)
    string(REPLACE "/" "_" target "photogate_${module}")
    target_sources(${target} PRIVATE "${output}")
  endfunction()
  return()
endif()

set(functions "")
string(REPLACE "," ";" FOLDERS "${FOLDERS}")
foreach(folder IN LISTS FOLDERS)
  file(GLOB files "${SOURCE}/${folder}/*.sql")
  list(SORT files)
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    file(READ "${file}" text)
    string(APPEND entries "        {\"${name}\", R\"~sql~(${text})~sql~\"},\n")
  endforeach()
  string(APPEND functions "
const std::vector<sql::SqlFile>& ${folder}_files() {
    static const std::vector<sql::SqlFile> files{
${entries}    };
    return files;
}
")
endforeach()
file(WRITE "${OUTPUT}.new" "#include \"${HEADER}\"

namespace ${NAMESPACE} {
${functions}
}  // namespace ${NAMESPACE}
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
