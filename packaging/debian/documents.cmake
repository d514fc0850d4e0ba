# Run by cpack before it packs: what every Debian package has in its documentation folder.
execute_process(COMMAND date -R -u -d @${CPACK_DTUKIT_BUILT_S} OUTPUT_VARIABLE _date OUTPUT_STRIP_TRAILING_WHITESPACE)
foreach(_component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${_component} _c)
  set(_package ${CPACK_DEBIAN_${_c}_PACKAGE_NAME})
  set(_folder ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${_component}${CPACK_INSTALL_PREFIX}/share/doc/${_package})
  configure_file(${CPACK_DTUKIT_COPYRIGHT} ${_folder}/copyright COPYONLY)
  file(WRITE ${_folder}/changelog "dtukit (${CPACK_PACKAGE_VERSION}) stable; urgency=medium\n
  * Release ${CPACK_PACKAGE_VERSION}; the repository's history has the changes.\n
 -- ${CPACK_PACKAGE_CONTACT}  ${_date}\n")
  execute_process(COMMAND gzip -9nf ${_folder}/changelog COMMAND_ERROR_IS_FATAL ANY)
  if(CPACK_DTUKIT_SHLIBS)  # dpkg-shlibdeps looks for it there; cpack removes it with its own debian/control
    configure_file(${CPACK_DTUKIT_SHLIBS} ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/${_component}/debian/shlibs.local COPYONLY)
  endif()
endforeach()
