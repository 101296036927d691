# Writes OUTPUT, a C++ source that holds the text of SOURCE/migrations/*.sql and SOURCE/queries/*.sql.
function(embed folder function)
  file(GLOB files "${SOURCE}/${folder}/*.sql")
  list(SORT files)
  set(entries "")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    file(READ "${file}" text)
    string(APPEND entries "        {\"${name}\", R\"~sql~(${text})~sql~\"},\n")
  endforeach()
  set(${function} "${entries}" PARENT_SCOPE)
endfunction()

embed(migrations migrations)
embed(queries queries)
file(WRITE "${OUTPUT}.new" "#include \"storage/records/embedded_sql.hpp\"

namespace photogate::storage::records {

const std::vector<SqlFile>& migration_files() {
    static const std::vector<SqlFile> files{
${migrations}    };
    return files;
}

const std::vector<SqlFile>& query_files() {
    static const std::vector<SqlFile> files{
${queries}    };
    return files;
}

}  // namespace photogate::storage::records
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
