# Warnings, hardening and sanitizers for everything we build.
add_library(dtukit_options INTERFACE)
target_compile_options(dtukit_options INTERFACE -Wall -Wextra -Wpedantic -Werror -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  target_compile_options(dtukit_options INTERFACE -Wthread-safety)
endif()
if(CMAKE_BUILD_TYPE MATCHES "Release|RelWithDebInfo" AND NOT DTUKIT_SANITIZE)
  target_compile_definitions(dtukit_options INTERFACE _FORTIFY_SOURCE=2)
endif()
target_link_options(dtukit_options INTERFACE -Wl,-z,relro,-z,now)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^arm" AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(-Wno-psabi)  # says of every std::pair of doubles that GCC 6 passed it otherwise
endif()
if(CMAKE_SIZEOF_VOID_P EQUAL 4)  # or files beyond 2 GiB, and files of a large file system, could not be opened
  add_compile_definitions(_FILE_OFFSET_BITS=64)
endif()

if(DTUKIT_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # With a sanitizer GCC 12 takes parts of libstdc++ (std::regex, std::optional) for uninitialised. Other builds look for it.
  target_compile_options(dtukit_options INTERFACE -Wno-maybe-uninitialized)
endif()
if(DTUKIT_SANITIZE)
  add_compile_options(-fsanitize=${DTUKIT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${DTUKIT_SANITIZE})
endif()
if(DTUKIT_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Resident memory counts on a small module, and nearly all of the program's is code: -O2 where messages pass, -Os where
# they do not (dtukit_cold), and nothing that nobody calls.
foreach(_language C CXX)
  set(CMAKE_${_language}_FLAGS_RELEASE "-O2 -DNDEBUG")
  set(CMAKE_${_language}_FLAGS_SANITIZE "-O1 -g1")  # fast to build, and enough for a stack trace
endforeach()
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)
# Relocation tables are read at every start and stay resident; packed they are a tenth. Needs glibc 2.36 where it runs, so
# it is for builds that run where they are built or ship with their C library.
include(CheckLinkerFlag)
check_linker_flag(CXX -Wl,-z,pack-relative-relocs DTUKIT_LINKER_PACKS_RELOCATIONS)
option(DTUKIT_PACK_RELOCATIONS "Packed relative relocations (glibc 2.36 or later on the target)"
       ${DTUKIT_LINKER_PACKS_RELOCATIONS})
if(DTUKIT_PACK_RELOCATIONS)
  add_link_options(-Wl,-z,pack-relative-relocs)
endif()

function(dtukit_cold)
  foreach(_target IN LISTS ARGN)
    target_compile_options(${_target} PRIVATE $<$<CONFIG:Release>:-Os>)
  endforeach()
endfunction()
