clvsim_test(test_engine_statistical statistical STAGES base kernels engine TIMEOUT 120 SOURCES engine_sampler.cpp engine_worlds.cpp)
