add_executable(ingest_batch ingest_batch.cpp)
target_link_libraries(ingest_batch PRIVATE clvsim_options ${CLVSIM_COMPILE_LIBRARIES} clvsim_base clvsim_io clvsim_ingest)
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
# 100,000 files: tests/fuzz/csv_against_python.py build/release/tests/fuzz/ingest_batch 100000 2
add_test(NAME Fuzz.CsvAgainstPython
  COMMAND Python3::Interpreter ${CMAKE_CURRENT_SOURCE_DIR}/csv_against_python.py $<TARGET_FILE:ingest_batch> 10000 1)
set_tests_properties(Fuzz.CsvAgainstPython PROPERTIES LABELS fuzz TIMEOUT 1800 PROCESSORS 2)
