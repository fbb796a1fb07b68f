clvsim_test(test_fit_known_answer known_answer STAGES base model SOURCES fit_closed_form.cpp TIMEOUT 120)
