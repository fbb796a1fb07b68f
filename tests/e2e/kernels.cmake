add_test(NAME Cuda.CompilesWithoutStackFrameOrSpill
         COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/engine_cuda_resources.sh ${CMAKE_SOURCE_DIR} ${CLVSIM_CUDA_FLAGS})
set_tests_properties(Cuda.CompilesWithoutStackFrameOrSpill PROPERTIES LABELS e2e SKIP_RETURN_CODE 77 TIMEOUT 600)
