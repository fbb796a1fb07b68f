clvsim_test(test_engine_property property STAGES base kernels engine TIMEOUT 120 SOURCES engine_invariance.cpp engine_split.cpp)
clvsim_test(test_engine_stores property STAGES base io math model behaviour behaviour_file kernels engine covariate_run behaviour_run run TIMEOUT 120
            SOURCES engine_stores.cpp ../support/io_store.cpp)
