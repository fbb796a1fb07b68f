# What every target is compiled with.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(clvsim_options INTERFACE)
target_include_directories(clvsim_options INTERFACE "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/include")
# No contraction and no excess precision: the same bits from every compiler and instruction set (docs/architecture.md).
target_compile_options(clvsim_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off;-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion;-Wnon-virtual-dtor>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns of overlap in std::string's own operator+ (GCC bug 105651).
  target_compile_options(clvsim_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(CLVSIM_WERROR)
  target_compile_options(clvsim_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(CLVSIM_SANITIZE)
  target_compile_options(clvsim_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${CLVSIM_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer;-g>)
  target_link_options(clvsim_options INTERFACE -fsanitize=${CLVSIM_SANITIZE})
  target_compile_definitions(clvsim_options INTERFACE CLVSIM_SANITIZED)
  # With sanitizers g++ 12 warns of std::regex's own members (GCC bug 105562).
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_compile_options(clvsim_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
  endif()
endif()

# clvsim_stage(NAME SOURCE...): one stage of the library as an object library clvsim_NAME.
function(clvsim_stage name)
  add_library(clvsim_${name} OBJECT ${ARGN})
  target_link_libraries(clvsim_${name} PRIVATE clvsim_options ${CLVSIM_COMPILE_LIBRARIES})
  set(CLVSIM_STAGES ${CLVSIM_STAGES} clvsim_${name} CACHE INTERNAL "")
endfunction()
