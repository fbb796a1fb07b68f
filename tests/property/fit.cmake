clvsim_test(test_fit_generate property STAGES base math kernels engine model covariate_run generate
            SOURCES fit_generate.cpp ${CMAKE_SOURCE_DIR}/tests/support/program.cpp TIMEOUT 300)
clvsim_test(test_likelihoods property STAGES base math behaviour likelihood kernels SOURCES model_likelihoods.cpp covariates.cpp classes.cpp purchase_distributions.cpp)
