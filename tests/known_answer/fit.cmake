clvsim_test(test_fit_known_answer known_answer STAGES base math model SOURCES fit_closed_form.cpp levers.cpp migration_covariates.cpp semi_markov.cpp TIMEOUT 120)
clvsim_test(test_purchase_models known_answer STAGES base math behaviour likelihood kernels
            SOURCES purchase_models.cpp purchase_forecasts.cpp contract_models.cpp gamma_gamma.cpp)
