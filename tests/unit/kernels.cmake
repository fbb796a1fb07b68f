clvsim_test(test_engine_unit unit STAGES base kernels engine TIMEOUT 120
            SOURCES engine_random.cpp engine_curand.cpp engine_portable_math.cpp engine_elementary.cpp engine_statistics.cpp engine_estimates.cpp engine_inputs.cpp
                    engine_pipeline.cpp engine_gpu_plan.cpp)
# cuRAND's device API, where a toolkit is, built or not built with it.
find_program(CLVSIM_NVCC nvcc PATHS /usr/local/cuda/bin)
if(CLVSIM_NVCC)
  file(REAL_PATH ${CLVSIM_NVCC} nvcc)
  cmake_path(GET nvcc PARENT_PATH bin)
  find_path(CLVSIM_CURAND_INCLUDE curand_kernel.h PATHS ${bin}/../include NO_DEFAULT_PATH)
endif()
set_source_files_properties(engine_gpu_plan.cpp PROPERTIES COMPILE_DEFINITIONS CLVSIM_CUDA_HEADERS="${CLVSIM_CURAND_INCLUDE}")
if(CLVSIM_CURAND_INCLUDE)
  target_include_directories(test_engine_unit SYSTEM PRIVATE ${CLVSIM_CURAND_INCLUDE})
  set_source_files_properties(engine_curand.cpp PROPERTIES COMPILE_DEFINITIONS CLVSIM_HAVE_CURAND)
endif()
