# Libraries, all from the distribution. CLVSIM_COMPILE_LIBRARIES compiles a stage, CLVSIM_LINK_LIBRARIES links the library.
set(HDF5_PREFER_PARALLEL OFF)
find_package(HDF5 1.10 REQUIRED COMPONENTS C)
find_package(ZLIB REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_path(CLVSIM_TOMLPLUSPLUS_INCLUDE toml++/toml.h REQUIRED)
find_path(CLVSIM_XXHASH_INCLUDE xxhash.h REQUIRED)
if(CLVSIM_TESTS)
  find_path(CLVSIM_RANDOM123_INCLUDE Random123/philox.h)
endif()
find_path(CLVSIM_THRUST_INCLUDE thrust/sort.h REQUIRED)

# Header-only and C libraries, as system headers: their warnings are not ours.
add_library(clvsim_headers INTERFACE)
target_include_directories(clvsim_headers SYSTEM INTERFACE ${CLVSIM_TOMLPLUSPLUS_INCLUDE} ${CLVSIM_XXHASH_INCLUDE}
                           ${CLVSIM_THRUST_INCLUDE})
# Thrust on the host alone: its sequential C++ backend, the same with and without a CUDA toolkit.
target_compile_definitions(clvsim_headers INTERFACE THRUST_HOST_SYSTEM=THRUST_HOST_SYSTEM_CPP
                           THRUST_DEVICE_SYSTEM=THRUST_DEVICE_SYSTEM_CPP TOML_EXCEPTIONS=1)

set(CLVSIM_LINK_LIBRARIES hdf5::hdf5 ZLIB::ZLIB OpenSSL::Crypto fmt::fmt Threads::Threads)
set(CLVSIM_COMPILE_LIBRARIES clvsim_headers ${CLVSIM_LINK_LIBRARIES} nlohmann_json::nlohmann_json)
