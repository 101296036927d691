# Writes OUTPUT, a C++ source that holds the text of SOURCE/sql/*.sql.
file(GLOB files "${SOURCE}/sql/*.sql")
list(SORT files)
set(text "")
foreach(file IN LISTS files)
  file(READ "${file}" more)
  string(APPEND text "    R\"~sql~(${more})~sql~\"\n")
endforeach()
file(WRITE "${OUTPUT}.new" "#include \"storage/builtin/sqlite.hpp\"

namespace photogate::storage::builtin {

std::string_view index_sql() {
    return
${text}        ;
}

}  // namespace photogate::storage::builtin
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
