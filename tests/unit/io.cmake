clvsim_test(test_io_store unit STAGES base io SOURCES io_store_round_trip.cpp ../support/io_store.cpp TIMEOUT 120)
