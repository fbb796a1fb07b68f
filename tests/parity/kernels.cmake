clvsim_test(test_engine_parity parity STAGES base kernels engine TIMEOUT 300 SOURCES engine_backends.cpp)
clvsim_test(test_engine_lanes parity STAGES kernels TIMEOUT 120 SOURCES engine_lanes.cpp)
# Sanitizers add symbols of their own, which every file shares.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND NOT CLVSIM_SANITIZE)
  set(objects $<TARGET_OBJECTS:clvsim_kernels>)
  add_test(NAME Lanes.ShareNoCode
           COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/lane_symbols.sh
                   Avx2=$<FILTER:${objects},INCLUDE,lanes/avx2> Avx512=$<FILTER:${objects},INCLUDE,lanes/avx512>)
  set_tests_properties(Lanes.ShareNoCode PROPERTIES LABELS parity)
endif()
# Skipped, and counted as such, where there is no GPU.
clvsim_test(test_engine_gpu gpu STAGES base kernels engine TIMEOUT 300 SOURCES engine_gpu.cpp)
