clvsim_test(test_engine_parity parity STAGES base kernels engine TIMEOUT 300 SOURCES engine_backends.cpp)
clvsim_test(test_purchase_parity parity STAGES base math behaviour behaviour_file model kernels engine behaviour_run TIMEOUT 300 SOURCES engine_purchases.cpp engine_dirichlet.cpp)
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
# What the engine gives, against what is recorded: by the compiler of this build, and by others at other levels of optimisation.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  add_executable(engine_digests digests.cpp)
  target_link_libraries(engine_digests PRIVATE clvsim_options ${CLVSIM_COMPILE_LIBRARIES} clvsim_base clvsim_math clvsim_model clvsim_behaviour clvsim_behaviour_file
                        clvsim_kernels clvsim_engine clvsim_behaviour_run)
  add_test(NAME Digests.AreThoseRecorded
           COMMAND sh -c "$<TARGET_FILE:engine_digests> | diff ${CMAKE_CURRENT_SOURCE_DIR}/digests.txt -")
  set_tests_properties(Digests.AreThoseRecorded PROPERTIES LABELS parity)
  if(NOT CLVSIM_SANITIZE)
    foreach(build g++:-O0 clang++:-O2)
      string(REPLACE ":" ";" words ${build})
      add_test(NAME Digests.${build} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/compilers.sh ${words} ${CMAKE_BINARY_DIR}/digests/${build})
      set_tests_properties(Digests.${build} PROPERTIES LABELS parity SKIP_RETURN_CODE 77 TIMEOUT 900)
    endforeach()
  endif()
endif()
