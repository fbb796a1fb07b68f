# 10,000 mutants; `fuzz_io_mutated_stores NUMBER SEED` makes others.
clvsim_test(fuzz_io_mutated_stores fuzz STAGES base io
  SOURCES io_mutated_stores.cpp ../support/io_hdf5.cpp ../support/io_store.cpp TIMEOUT 900)
