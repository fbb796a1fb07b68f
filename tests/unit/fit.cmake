clvsim_test(test_fit_unit unit STAGES base math kernels engine model estimate SOURCES fit_dirichlet.cpp fit_estimate.cpp fit_logit.cpp fit_model_file.cpp fit_toml_file.cpp
            TIMEOUT 120)
clvsim_test(test_math unit STAGES base math SOURCES math_special.cpp math_maximise.cpp)
clvsim_test(test_likelihood_fit unit STAGES base math behaviour likelihood kernels SOURCES fit_likelihood.cpp fit_bootstrap.cpp)
clvsim_test(test_behaviour_file unit STAGES base math behaviour behaviour_file model kernels SOURCES behaviour_file.cpp)
