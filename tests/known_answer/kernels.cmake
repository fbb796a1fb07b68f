clvsim_test(test_engine_known_answer known_answer STAGES base kernels engine TIMEOUT 120 SOURCES engine_chains.cpp)
