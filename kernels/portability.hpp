// What lets one source be compiled for the host and for the device.
#pragma once

// Marks a function that the host and the device both run.
#if defined(__CUDACC__)
#define CLVSIM_HD __host__ __device__
#else
#define CLVSIM_HD
#endif

// The same, and never a function of its own: files compiled for other instruction sets call it (kernels/lanes).
#define CLVSIM_HD_INLINE CLVSIM_HD __attribute__((always_inline)) inline

// Before a loop of a few passes, known when compiling: lay it out in full.
#if defined(__CUDACC__)
#define CLVSIM_UNROLL _Pragma("unroll")
#else
#define CLVSIM_UNROLL _Pragma("GCC unroll 16")
#endif
