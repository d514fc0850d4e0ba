# Run by `cmake --install`: the systemd unit and the file its options come from, for the prefix of this installation.
# As GNUInstallDirs has it, /usr/etc is /etc.
macro(full name path)
  if(IS_ABSOLUTE "${path}")
    set(${name} "${path}")
  else()
    set(${name} "${CMAKE_INSTALL_PREFIX}/${path}")
  endif()
endmacro()
full(bindir "${DTUKIT_BINDIR}")
full(docdir "${DTUKIT_DOCDIR}")
full(sysconfdir "${DTUKIT_SYSCONFDIR}")
if(CMAKE_INSTALL_PREFIX MATCHES "^/usr/?$" AND sysconfdir STREQUAL "${CMAKE_INSTALL_PREFIX}/etc")
  set(sysconfdir /etc)
endif()

configure_file("${DTUKIT_PACKAGING}/systemd/dtukit.service.in" "${DTUKIT_SCRATCH}/dtukit.service" @ONLY)
file(INSTALL "${DTUKIT_SCRATCH}/dtukit.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
if(NOT EXISTS "$ENV{DESTDIR}${sysconfdir}/default/dtukit") # what the administrator wrote there stays
  file(INSTALL "${DTUKIT_PACKAGING}/systemd/default" DESTINATION "${sysconfdir}/default" RENAME dtukit)
endif()
