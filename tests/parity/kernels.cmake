clvsim_test(test_engine_parity parity STAGES base kernels engine TIMEOUT 300 SOURCES engine_backends.cpp)
# Skipped, and counted as such, where there is no GPU.
clvsim_test(test_engine_gpu gpu STAGES base kernels engine TIMEOUT 300 SOURCES engine_gpu.cpp)
