# What `cmake --install` puts where. Every place is relative to the prefix, and dtud finds its plugins and child programs
# from where it lies itself (core/config/places.hpp): one build serves any --prefix, any DESTDIR and the packages.
#
#   bin/                     programs for people, dtud among them: `dtud --check` is for everybody
#   libexec/dtukit/          child programs, started by dtud
#   lib/dtukit/plugins/      the plugins
#   include/dtu/, share/cmake/dtukit-plugin/, share/pkgconfig/   what a plugin is built with
#   lib/libdtukit-*.a, lib/cmake/dtukit-kit/                     the kit: libraries that plugins share
#
# Components: runtime, dev, and plugin-<name> for each plugin. packaging/debian makes a package of each. `ninja installable`
# builds what is needed.
include(GNUInstallDirs)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME runtime)
set(DTUKIT_INSTALL_PLUGINDIR ${CMAKE_INSTALL_LIBDIR}/dtukit/plugins)
set(DTUKIT_INSTALL_CHILDDIR ${CMAKE_INSTALL_LIBEXECDIR}/dtukit)
set(DTUKIT_KIT_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/dtukit-kit) # of libraries, so not in share/
set(DTUKIT_INSTALL_SHAREDIR ${CMAKE_INSTALL_DATADIR}/dtukit)
add_custom_target(installable) # everything that is installed, so without the tests

# dtukit_program(<name> [COMPONENT <component>] [CHILD] [SCRIPT <file>]): a program that is installed: the target <name>, or
# the script <file> under that name. CHILD: started by another program, never by hand. COMPONENT: runtime, unless said.
function(dtukit_program name)
  cmake_parse_arguments(ARG "CHILD" "COMPONENT;SCRIPT" "" ${ARGN})
  set(_to ${CMAKE_INSTALL_BINDIR})
  if(ARG_CHILD)
    set(_to ${DTUKIT_INSTALL_CHILDDIR})
  endif()
  if(NOT ARG_COMPONENT)
    set(ARG_COMPONENT runtime)
  endif()
  if(ARG_SCRIPT)
    install(PROGRAMS ${ARG_SCRIPT} DESTINATION ${_to} RENAME ${name} COMPONENT ${ARG_COMPONENT})
  else()
    install(TARGETS ${name} RUNTIME DESTINATION ${_to} COMPONENT ${ARG_COMPONENT})
    add_dependencies(installable ${name})
  endif()
endfunction()

# dtukit_install_plugins(<folder>): every module built in this folder of plugins/, as a component of its own.
function(dtukit_install_plugins folder)
  get_property(_targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(_target IN LISTS _targets)
    get_target_property(_type ${_target} TYPE)
    if(_type STREQUAL MODULE_LIBRARY)
      set_property(GLOBAL APPEND PROPERTY DTUKIT_PLUGINS ${_target})
      if(_target IN_LIST DTUKIT_STATIC_PLUGINS)  # it is in dtud: beside it the file would be left out
        continue()
      endif()
      install(TARGETS ${_target} LIBRARY DESTINATION ${DTUKIT_INSTALL_PLUGINDIR} COMPONENT plugin-${_target})
      add_dependencies(installable ${_target})
      if(EXISTS ${folder}/README.md)
        install(FILES ${folder}/README.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/dtukit-plugin-${_target}
                COMPONENT plugin-${_target})
      endif()
    endif()
  endforeach()
endfunction()
