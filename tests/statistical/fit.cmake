clvsim_test(test_fit_statistical statistical
            SOURCES fit_coverage.cpp fit_recovery.cpp ${CMAKE_SOURCE_DIR}/tests/support/program.cpp TIMEOUT 900)
clvsim_test(test_fit_heterogeneity statistical SOURCES fit_heterogeneity.cpp ${CMAKE_SOURCE_DIR}/tests/support/program.cpp TIMEOUT 900)
clvsim_test(test_fit_segments statistical SOURCES fit_segments.cpp ${CMAKE_SOURCE_DIR}/tests/support/program.cpp TIMEOUT 900)
clvsim_test(test_migration_covariates statistical SOURCES migration_covariates.cpp ${CMAKE_SOURCE_DIR}/tests/support/program.cpp)
