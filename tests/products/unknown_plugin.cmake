# Asks for a plugin that is not there, as -DDTUKIT_STATIC_PLUGINS would.
cmake_minimum_required(VERSION 3.22)
set(PROJECT_SOURCE_DIR ${TREE})
include(${TREE}/cmake/StaticPlugins.cmake)
set_property(GLOBAL PROPERTY DTUKIT_PLUGINS channel-tcp hal-linux)
dtukit_build_in(dtud chanel-tcp)
