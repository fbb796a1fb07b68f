clvsim_test(test_ingest_parts unit STAGES base ingest io
  SOURCES ingest_csv_reader.cpp ingest_fields.cpp ingest_key_hashes.cpp ingest_row_sorter.cpp ingest_pseudonym.cpp TIMEOUT 120)
clvsim_test(test_ingest unit STAGES base ingest io SOURCES ingest_sniffer.cpp ingest_importer.cpp ingest_errors.cpp TIMEOUT 120)
