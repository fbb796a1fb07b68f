clvsim_test(test_engine_unit unit STAGES base kernels engine TIMEOUT 120
            SOURCES engine_random.cpp engine_portable_math.cpp engine_statistics.cpp engine_estimates.cpp engine_inputs.cpp engine_pipeline.cpp)
