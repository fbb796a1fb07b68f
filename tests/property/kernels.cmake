clvsim_test(test_engine_property property STAGES base kernels engine TIMEOUT 120 SOURCES engine_invariance.cpp)
