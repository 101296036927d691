# What `cmake --install` puts where (GNUInstallDirs): the program, the imager at the place that the program looks at, the systemd
# unit with the paths of this prefix, the shells' completions and the man page (scripts/render-commands writes both), the pages, and
# the configuration samples as examples, so that no admin's file is overwritten.
include(GNUInstallDirs)

set(PHOTOGATE_LIBEXECDIR "${CMAKE_INSTALL_LIBEXECDIR}/photogate")
file(RELATIVE_PATH PHOTOGATE_OTLP_FROM_BINDIR "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBEXECDIR}/photogate/photogate-otlp.so")
file(RELATIVE_PATH PHOTOGATE_IMAGER_FROM_BINDIR "${CMAKE_INSTALL_FULL_BINDIR}" "${CMAKE_INSTALL_FULL_LIBEXECDIR}/photogate/photogate-imager")

function(photogate_install)
  install(TARGETS photogate RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(TARGETS photogate-imager RUNTIME DESTINATION "${PHOTOGATE_LIBEXECDIR}")
  if(TARGET photogate-otlp)
    install(TARGETS photogate-otlp LIBRARY DESTINATION "${PHOTOGATE_LIBEXECDIR}")
  endif()
  install(FILES README.md CHANGELOG.md LICENSE SECURITY.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")
  install(DIRECTORY docs DESTINATION "${CMAKE_INSTALL_DOCDIR}" PATTERN site EXCLUDE)
  install(DIRECTORY etc/ DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples" 
    PATTERN systemd EXCLUDE PATTERN completions EXCLUDE PATTERN man EXCLUDE)
  install(FILES etc/man/photogate.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES etc/completions/photogate.bash DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME photogate)
  install(FILES etc/completions/_photogate DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
  install(FILES etc/completions/photogate.fish DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")
  # The prefix is known when it is installed (`cmake --install --prefix`).
  install(CODE "set(bindir \"${CMAKE_INSTALL_BINDIR}\")
set(docdir \"${CMAKE_INSTALL_DOCDIR}\")
set(unit \"${PROJECT_SOURCE_DIR}/etc/systemd/photogate.service\")
set(made \"${PROJECT_BINARY_DIR}/photogate.service\")")
  install(CODE [[
file(READ "${unit}" text)
string(REPLACE "/usr/bin/photogate" "${CMAKE_INSTALL_PREFIX}/${bindir}/photogate" text "${text}")
string(REPLACE "/usr/share/doc/photogate" "${CMAKE_INSTALL_PREFIX}/${docdir}" text "${text}")
file(WRITE "${made}" "${text}")
file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system" TYPE FILE FILES "${made}")
]])
endfunction()
