# What a plugin is built with, inside this repository and, installed, outside of it.
#
# dtukit_add_plugin(<name> SOURCES <file>... [SCHEMAS <file.json>...] [LIBS <library>...])
#   A module built the way the loader expects: one exported symbol, every reference resolved at link time, no symbol of
#   its own leaking into another plugin (hence the version script: hidden visibility alone leaves GNU_UNIQUE symbols).
#   Each schema becomes a header: schema.json -> #include "schema.json.hpp" (C: "schema.json.h"), a constant `schema_json`.
#   The object library <name>-objects holds the same code for unit tests. Outside of the repository `cmake --install` puts
#   the plugin into lib/dtukit/plugins.
#
# dtukit_plugin_test(<name> [CONFIG <file.json>])
#   A ctest <name>.check: the conformance tool, dtu-plugin-check, on the built module. Skipped where the tool is missing.
set(DTUKIT_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
set(DTUKIT_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedText.cmake)

function(dtukit_embed target)
  foreach(_file IN LISTS ARGN)
    get_filename_component(_name ${_file} NAME)
    get_filename_component(_path ${_file} ABSOLUTE)
    set(_out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${_name})
    add_custom_command(OUTPUT ${_out}.hpp ${_out}.h DEPENDS ${_path} ${DTUKIT_EMBED_SCRIPT} VERBATIM
      COMMAND ${CMAKE_COMMAND} -DIN=${_path} -DOUT=${_out} -DNAME=${_name} -P ${DTUKIT_EMBED_SCRIPT})
    target_sources(${target} PRIVATE ${_out}.hpp ${_out}.h)
  endforeach()
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/embedded)
endfunction()

function(dtukit_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;SCHEMAS;LIBS" ${ARGN})
  if(NOT ARG_SOURCES)
    message(FATAL_ERROR "dtukit_add_plugin(${name}): no SOURCES are named")
  endif()
  add_library(${name}-objects OBJECT ${ARG_SOURCES})
  set_target_properties(${name}-objects PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  set(_language C) # of the linker: a plugin in C does not carry the C++ library
  if(ARG_SOURCES MATCHES "\\.(cc|cpp|cxx|C)(;|$)")
    set(_language CXX)
    target_compile_features(${name}-objects PUBLIC cxx_std_17)
  endif()
  target_include_directories(${name}-objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name}-objects PUBLIC dtukit::sdk ${ARG_LIBS})
  if(TARGET dtukit_options)
    target_link_libraries(${name}-objects PRIVATE dtukit_options)
  endif()
  if(ARG_SCHEMAS)
    dtukit_embed(${name}-objects ${ARG_SCHEMAS})
  endif()

  # What a program needs besides that the plugin is linked into (in this repository: cmake/StaticPlugins.cmake).
  add_library(${name}-libraries INTERFACE)
  target_link_libraries(${name}-libraries INTERFACE ${ARG_LIBS})

  add_library(${name} MODULE)
  target_link_libraries(${name} PRIVATE ${name}-objects)
  set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" LINK_DEPENDS ${DTUKIT_PLUGIN_MAP}
    LINKER_LANGUAGE ${_language})
  if(DTUKIT_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${DTUKIT_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now -Wl,--version-script=${DTUKIT_PLUGIN_MAP})
  # A sanitizer's run-time is resolved from the program.
  if(NOT DTUKIT_SANITIZE AND NOT "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize")
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  if(DTUKIT_PLUGIN_INSTALL_DIR) # set by find_package
    install(TARGETS ${name} LIBRARY DESTINATION ${DTUKIT_PLUGIN_INSTALL_DIR})
  endif()
endfunction()

function(dtukit_plugin_test name)
  cmake_parse_arguments(ARG "" "CONFIG" "" ${ARGN})
  set(_check "")
  if(TARGET dtu-plugin-check)
    set(_check $<TARGET_FILE:dtu-plugin-check>)
  else()
    find_program(DTUKIT_PLUGIN_CHECK dtu-plugin-check HINTS "${DTUKIT_PREFIX}/bin")
    if(DTUKIT_PLUGIN_CHECK)
      set(_check ${DTUKIT_PLUGIN_CHECK})
    endif()
  endif()
  set(_file ${name}) # a target, or the file of a plugin that CMake did not build
  if(TARGET ${name})
    get_target_property(_type ${name} TYPE)
    if(_type STREQUAL MODULE_LIBRARY)
      set(_file $<TARGET_FILE:${name}>)
    endif()
  endif()
  if(ARG_CONFIG)
    get_filename_component(_config ${ARG_CONFIG} ABSOLUTE)
    set(ARG_CONFIG --config ${_config})
  endif()
  get_filename_component(_test ${name} NAME_WE)
  if(_check)
    add_test(NAME ${_test}.check COMMAND ${_check} ${_file} ${ARG_CONFIG})
    set_tests_properties(${_test}.check PROPERTIES TIMEOUT 300)
  else()
    message(STATUS "${_test}.check will be skipped: dtu-plugin-check is not installed (package dtukit-dev)")
    add_test(NAME ${_test}.check COMMAND ${CMAKE_COMMAND} -E echo "skipped: dtu-plugin-check is not installed")
    set_tests_properties(${_test}.check PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")
  endif()
endfunction()
