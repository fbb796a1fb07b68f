clvsim_test(test_engine_statistical statistical STAGES base kernels engine TIMEOUT 120 SOURCES engine_sampler.cpp engine_ordered.cpp engine_worlds.cpp)
clvsim_test(test_engine_events statistical STAGES base math model kernels engine TIMEOUT 120 SOURCES engine_events.cpp)
clvsim_test(test_engine_draws statistical STAGES kernels TIMEOUT 120 SOURCES engine_draws.cpp engine_counts.cpp)
clvsim_test(test_engine_purchases statistical STAGES base math behaviour behaviour_file model kernels engine behaviour_run TIMEOUT 300 SOURCES engine_purchases.cpp engine_contracts.cpp)
