clvsim_test(test_fit_unit unit STAGES base SOURCES fit_toml_file.cpp TIMEOUT 120)
