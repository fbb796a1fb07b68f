clvsim_test(test_ingest_ledger property STAGES base ingest io SOURCES ingest_ledger.cpp TIMEOUT 300)
