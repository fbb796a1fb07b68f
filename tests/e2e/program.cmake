clvsim_test(test_program e2e SOURCES program_backtest.cpp program_bench.cpp program_configs.cpp program_contracts.cpp program_chain_covariates.cpp program_classes.cpp program_covariates.cpp program_errors.cpp program_fits.cpp program_line.cpp program_memory.cpp program_scenarios.cpp program_spend.cpp
  ${CMAKE_SOURCE_DIR}/tests/support/program.cpp)
add_dependencies(test_program clvsim_program)

if(CLVSIM_SANITIZE)
  set(consumer_flags -fsanitize=${CLVSIM_SANITIZE})
endif()
add_test(NAME consumer_project
         COMMAND ${CMAKE_COMMAND} -DBUILD=${CMAKE_BINARY_DIR} -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}/consumer
                 -DWORK=${CMAKE_BINARY_DIR}/consumer "-DFLAGS=${consumer_flags}"
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/consumer.cmake)
set_tests_properties(consumer_project PROPERTIES LABELS e2e TIMEOUT 600)

find_program(CLVSIM_CLANG_FORMAT NAMES clang-format-14 clang-format)
add_test(NAME sources_are_formatted
         COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/formatted.sh ${CLVSIM_CLANG_FORMAT} ${CMAKE_SOURCE_DIR})
set_tests_properties(sources_are_formatted PROPERTIES LABELS e2e)
