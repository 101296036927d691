# Writes OUTPUT, a C++ source that holds the text of SOURCE/folder_sql/*.sql.
file(GLOB files "${SOURCE}/folder_sql/*.sql")
list(SORT files)
set(text "")
foreach(file IN LISTS files)
  file(READ "${file}" more)
  string(APPEND text "    R\"~sql~(${more})~sql~\"\n")
endforeach()
file(WRITE "${OUTPUT}.new" "#include \"storage/objects/folder_sqlite.hpp\"

namespace photogate::storage::objects {

std::string_view folder_sql() {
    return
${text}        ;
}

}  // namespace photogate::storage::objects
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
