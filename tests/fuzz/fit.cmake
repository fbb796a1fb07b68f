clvsim_test(test_fit_fuzz fuzz STAGES base math model behaviour behaviour_file kernels SOURCES fit_model_toml.cpp TIMEOUT 300)
