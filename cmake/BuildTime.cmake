# DTUKIT_BUILT_S: when this was built, in seconds since 1970. A clock that shows an earlier time was never set. The same
# sources give the same program: SOURCE_DATE_EPOCH, else the date of the last commit; only without either it is now. Never
# before 2025, whatever a build machine's clock says.
set(DTUKIT_BUILT_S "$ENV{SOURCE_DATE_EPOCH}")
if(NOT DTUKIT_BUILT_S MATCHES "^[0-9]+$")
  execute_process(COMMAND git log -1 --format=%ct WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE DTUKIT_BUILT_S
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(NOT DTUKIT_BUILT_S MATCHES "^[0-9]+$")
  string(TIMESTAMP DTUKIT_BUILT_S "%s" UTC)
endif()
if(DTUKIT_BUILT_S LESS 1735689600)
  set(DTUKIT_BUILT_S 1735689600)
endif()
