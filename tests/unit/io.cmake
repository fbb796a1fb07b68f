clvsim_test(test_io_store unit STAGES base io SOURCES io_store_round_trip.cpp ../support/io_store.cpp TIMEOUT 120)
clvsim_test(test_io_run unit STAGES base io
  SOURCES io_run_round_trip.cpp ../support/io_run.cpp ../support/io_store.cpp TIMEOUT 120)
clvsim_test(test_io_seal unit STAGES base io
  SOURCES io_seal.cpp ../support/io_run.cpp ../support/io_store.cpp TIMEOUT 120)
clvsim_test(test_io_full_disk unit STAGES base io
  SOURCES io_full_disk.cpp ../support/io_run.cpp ../support/io_store.cpp TIMEOUT 120)
clvsim_test(test_io_attacks unit STAGES base io
  SOURCES io_attacks.cpp ../support/io_hdf5.cpp ../support/io_run.cpp ../support/io_store.cpp TIMEOUT 120)
