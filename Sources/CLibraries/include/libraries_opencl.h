#pragma once
#define CL_TARGET_OPENCL_VERSION 120
#include "library_search.h"
#include <CL/cl.h>

/// The functions of OpenCL 1.2 that are called.
#define LIBRARIES_OPENCL_FUNCTIONS(F) \
    F(clGetPlatformIDs) F(clGetPlatformInfo) F(clGetDeviceIDs) F(clGetDeviceInfo) \
    F(clCreateContext) F(clReleaseContext) F(clCreateCommandQueue) F(clReleaseCommandQueue) \
    F(clCreateBuffer) F(clReleaseMemObject) \
    F(clCreateProgramWithSource) F(clCreateProgramWithBinary) F(clBuildProgram) \
    F(clGetProgramInfo) F(clGetProgramBuildInfo) F(clReleaseProgram) \
    F(clCreateKernel) F(clSetKernelArg) F(clReleaseKernel) F(clGetKernelWorkGroupInfo) \
    F(clEnqueueNDRangeKernel) F(clEnqueueReadBuffer) F(clEnqueueWriteBuffer) \
    F(clEnqueueCopyBuffer) F(clEnqueueFillBuffer) F(clEnqueueMapBuffer) F(clEnqueueUnmapMemObject) \
    F(clFlush) F(clFinish) F(clWaitForEvents) F(clGetEventInfo) F(clGetEventProfilingInfo) F(clReleaseEvent)

#define LIBRARIES_OPENCL_FIELD(function) __typeof__(function) *_Nonnull function;

/// The functions of libOpenCL, found at run time; to be called only where `search.found`.
typedef struct libraries_opencl {
    library_search search;
    LIBRARIES_OPENCL_FUNCTIONS(LIBRARIES_OPENCL_FIELD)
} libraries_opencl;

#undef LIBRARIES_OPENCL_FIELD

/// The table, filled by the first call. Safe from any thread.
const libraries_opencl *_Nonnull libraries_opencl_table(void);
