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

// Before a loop: unroll it `n` times, 1 meaning never.
#define CLVSIM_PRAGMA(text) _Pragma(#text)
#if defined(__CUDACC__)
#define CLVSIM_UNROLL(n) CLVSIM_PRAGMA(unroll n)
#else
#define CLVSIM_UNROLL(n) CLVSIM_PRAGMA(GCC unroll n)
#endif
