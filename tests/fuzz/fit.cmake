clvsim_test(test_fit_fuzz fuzz STAGES base model SOURCES fit_model_toml.cpp TIMEOUT 300)
