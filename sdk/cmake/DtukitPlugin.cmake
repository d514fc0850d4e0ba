# dtukit_add_plugin(<name> SOURCES <file>... [SCHEMAS <file.json>...] [LIBS <library>...])
#
# A module built the way the loader expects: one exported symbol, every reference resolved at link time, no symbol of
# its own leaking into another plugin (hence the version script: hidden visibility alone leaves GNU_UNIQUE symbols).
# Each schema becomes a header: schema.json -> #include "schema.json.hpp", a constant `schema_json`.
# The object library <name>-objects holds the same code for unit tests.
set(DTUKIT_PLUGIN_MAP ${CMAKE_CURRENT_LIST_DIR}/plugin.map)
set(DTUKIT_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/EmbedText.cmake)

function(dtukit_embed target)
  foreach(_file IN LISTS ARGN)
    get_filename_component(_name ${_file} NAME)
    get_filename_component(_path ${_file} ABSOLUTE)
    set(_out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${_name}.hpp)
    add_custom_command(OUTPUT ${_out} DEPENDS ${_path} ${DTUKIT_EMBED_SCRIPT} VERBATIM
      COMMAND ${CMAKE_COMMAND} -DIN=${_path} -DOUT=${_out} -DNAME=${_name} -P ${DTUKIT_EMBED_SCRIPT})
    target_sources(${target} PRIVATE ${_out})
  endforeach()
  target_include_directories(${target} PUBLIC ${CMAKE_CURRENT_BINARY_DIR}/embedded)
endfunction()

function(dtukit_add_plugin name)
  cmake_parse_arguments(ARG "" "" "SOURCES;SCHEMAS;LIBS" ${ARGN})
  add_library(${name}-objects OBJECT ${ARG_SOURCES})
  set_target_properties(${name}-objects PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${name}-objects PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name}-objects PUBLIC dtukit::sdk ${ARG_LIBS})
  if(TARGET dtukit_options)
    target_link_libraries(${name}-objects PRIVATE dtukit_options)
  endif()
  if(ARG_SCHEMAS)
    dtukit_embed(${name}-objects ${ARG_SCHEMAS})
  endif()

  # For a program the plugin is linked into (cmake/StaticPlugins.cmake of the kernel's own tree).
  add_library(${name}-libraries INTERFACE)
  target_link_libraries(${name}-libraries INTERFACE ${ARG_LIBS})
  set_property(GLOBAL APPEND PROPERTY DTUKIT_PLUGINS ${name})

  add_library(${name} MODULE)
  target_link_libraries(${name} PRIVATE ${name}-objects)
  set_target_properties(${name} PROPERTIES PREFIX "" LINK_DEPENDS ${DTUKIT_PLUGIN_MAP} LINKER_LANGUAGE CXX)
  if(DTUKIT_PLUGIN_OUTPUT_DIRECTORY)
    set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${DTUKIT_PLUGIN_OUTPUT_DIRECTORY})
  endif()
  target_link_options(${name} PRIVATE -Wl,-z,relro,-z,now -Wl,--version-script=${DTUKIT_PLUGIN_MAP})
  if(NOT DTUKIT_SANITIZE) # a sanitizer's run-time is resolved from the program
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
