# Writes OUTPUT, a C++ source that holds the text of SOURCE/*.{html,css,js,svg,json}.
set(entries "")
file(GLOB files "${SOURCE}/*.html" "${SOURCE}/*.css" "${SOURCE}/*.js" "${SOURCE}/*.svg" "${SOURCE}/*.json")
list(SORT files)
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" text)
  string(APPEND entries "        {\"${name}\", R\"~page~(${text})~page~\"},\n")
endforeach()
file(WRITE "${OUTPUT}.new" "#include \"web/pages.hpp\"

namespace photogate::web {

const std::vector<PageFile>& page_files() {
    static const std::vector<PageFile> files{
${entries}    };
    return files;
}

}  // namespace photogate::web
")
file(RENAME "${OUTPUT}.new" "${OUTPUT}")
