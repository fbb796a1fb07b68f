clvsim_test(test_ingest_logs known_answer STAGES base ingest io SOURCES ingest_logs.cpp TIMEOUT 120)
