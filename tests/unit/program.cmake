clvsim_test(test_holdout unit STAGES base io forecast
            SOURCES forecast_holdout.cpp ${CMAKE_SOURCE_DIR}/tests/support/program.cpp)
clvsim_test(test_bench unit SOURCES bench_statistics.cpp bench_baseline.cpp)
clvsim_test(test_scores unit STAGES base math scores SOURCES count_law.cpp)
clvsim_test(test_backtest_split unit SOURCES backtest_split.cpp)
clvsim_test(test_purchase_spend unit SOURCES fit_purchase_spend.cpp)
clvsim_test(test_attribution unit SOURCES attribution.cpp)
