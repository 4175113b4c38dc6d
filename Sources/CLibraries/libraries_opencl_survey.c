#define _GNU_SOURCE
#include "libraries_opencl_survey.h"

#include "child_process.h"
#include "environment_override.h"
#include "libraries_opencl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: What is written

/// A line without characters that would end or confuse it.
static void write_line(FILE *out, const char *key, const char *value) {
    fprintf(out, "%s ", key);
    for (; *value != '\0'; value++) { fputc((unsigned char)*value < 0x20 || *value == 0x7f ? ' ' : *value, out); }
    fputc('\n', out);
}

static void write_number(FILE *out, const char *key, unsigned long long value) { fprintf(out, "%s %llu\n", key, value); }

static void write_failure(FILE *out, const char *function, cl_int code) { fprintf(out, "problem %s %d\n", function, code); }

#define LONGEST 65536

typedef cl_int query(const void *subject, cl_uint key, size_t size, void *value, size_t *needed);

static cl_int query_device(const void *device, cl_uint key, size_t size, void *value, size_t *needed) {
    return libraries_opencl_table()->clGetDeviceInfo((cl_device_id)device, key, size, value, needed);
}

static cl_int query_platform(const void *platform, cl_uint key, size_t size, void *value, size_t *needed) {
    return libraries_opencl_table()->clGetPlatformInfo((cl_platform_id)platform, key, size, value, needed);
}

/// A text that OpenCL hands out in two calls, its size first; empty where it has none.
static void write_text(FILE *out, const char *name, query *ask, const void *subject, cl_uint key) {
    static char text[LONGEST + 1];
    size_t size = 0;
    text[0] = '\0';
    if (ask(subject, key, 0, NULL, &size) == CL_SUCCESS && size > 0 && size <= LONGEST && ask(subject, key, size, text, NULL) == CL_SUCCESS) {
        text[size] = '\0';
    }
    write_line(out, name, text);
}

static bool write_device(FILE *out, cl_device_id device) {
    static const struct { const char *name; cl_uint key; size_t size; } numbers[] = {
        {"type", CL_DEVICE_TYPE, 8}, {"memory", CL_DEVICE_GLOBAL_MEM_SIZE, 8}, {"allocation", CL_DEVICE_MAX_MEM_ALLOC_SIZE, 8},
        {"local", CL_DEVICE_LOCAL_MEM_SIZE, 8}, {"local-type", CL_DEVICE_LOCAL_MEM_TYPE, 4}, {"units", CL_DEVICE_MAX_COMPUTE_UNITS, 4},
        {"group", CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof(size_t)}, {"fp-config", CL_DEVICE_SINGLE_FP_CONFIG, 8},
        {"is-available", CL_DEVICE_AVAILABLE, 4}, {"has-compiler", CL_DEVICE_COMPILER_AVAILABLE, 4},
        {"dimensions", CL_DEVICE_MAX_WORK_ITEM_DIMENSIONS, 4},
    };
    static const struct { const char *name; cl_uint key; } texts[] = {
        {"model", CL_DEVICE_NAME}, {"vendor", CL_DEVICE_VENDOR}, {"driver", CL_DRIVER_VERSION}, {"version", CL_DEVICE_VERSION},
        {"profile", CL_DEVICE_PROFILE}, {"extensions", CL_DEVICE_EXTENSIONS},
    };
    write_line(out, "device", "");
    unsigned long long dimensions = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        unsigned long long value = 0;
        cl_int code = query_device(device, numbers[i].key, numbers[i].size, &value, NULL);
        if (code != CL_SUCCESS) {
            write_failure(out, "clGetDeviceInfo", code);
            return false;
        }
        write_number(out, numbers[i].name, value);
        dimensions = value;
    }
    size_t items[16] = {0};
    if (dimensions > 0 && dimensions <= 16 && query_device(device, CL_DEVICE_MAX_WORK_ITEM_SIZES, dimensions * sizeof *items, items, NULL) == CL_SUCCESS) {
        write_number(out, "items", items[0]);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) { write_text(out, texts[i].name, query_device, device, texts[i].key); }
    return true;
}

static void write_platform(FILE *out, cl_platform_id platform) {
    const libraries_opencl *cl = libraries_opencl_table();
    write_line(out, "platform", "");
    write_text(out, "name", query_platform, platform, CL_PLATFORM_NAME);
    write_text(out, "version", query_platform, platform, CL_PLATFORM_VERSION);
    cl_uint count = 0;
    cl_int code = cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &count);
    if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && count == 0)) { return; }
    cl_device_id *devices = code == CL_SUCCESS ? calloc(count, sizeof *devices) : NULL;
    if (devices != NULL) { code = cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, count, devices, NULL); }
    if (code != CL_SUCCESS) { write_failure(out, "clGetDeviceIDs", code); }
    for (cl_uint i = 0; code == CL_SUCCESS && devices != NULL && i < count; i++) {
        if (!write_device(out, devices[i])) { break; }
    }
    free(devices);
}

static void write_all_platforms(FILE *out, const libraries_opencl *cl) {
    cl_uint count = 0;
    cl_int code = cl->clGetPlatformIDs(0, NULL, &count);
    // The loader's way to say that no driver is installed.
    if (code == -1001 || (code == CL_SUCCESS && count == 0)) { return; }
    cl_platform_id *platforms = code == CL_SUCCESS ? calloc(count, sizeof *platforms) : NULL;
    if (platforms != NULL) { code = cl->clGetPlatformIDs(count, platforms, NULL); }
    if (code != CL_SUCCESS) { write_failure(out, "clGetPlatformIDs", code); }
    for (cl_uint i = 0; code == CL_SUCCESS && platforms != NULL && i < count; i++) { write_platform(out, platforms[i]); }
    free(platforms);
}

static void write_platforms(FILE *out, const char *vendors) {
    const libraries_opencl *cl = libraries_opencl_table();
    if (!cl->search.found) { return; }
    environment_override override = {0};
    if (vendors != NULL) {
        override = opencl_point_loader(vendors);
        if (override.during == NULL) { return write_line(out, "problem", "no memory to show the loader its drivers"); }
    }
    write_all_platforms(out, cl);
    // Where no child could be made this is the process itself.
    environment_override_end(override);
}

environment_override opencl_point_loader(const char *vendors) {
    const environment_change changes[] = {{"OCL_ICD_VENDORS", vendors}, {"OPENCL_VENDOR_PATH", vendors}, {"OCL_ICD_FILENAMES", NULL}};
    return environment_override_begin(changes, sizeof changes / sizeof *changes);
}

// MARK: In a child

static void write_opening(FILE *out, const char *library) {
    // It stays open until the child ends: a driver that is closed and opened again may find its own remains.
    if (dlopen(library, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE) == NULL) {
        const char *reason = dlerror();
        write_line(out, "problem", reason != NULL ? reason : "no reason given");
    }
}

driver_survey opencl_survey(const char *vendors, survey_patience patience) {
    // Opened here too, so that the child need not: the loader itself looks at no driver before it is asked.
    (void)libraries_opencl_table();
    return survey_in_child(write_platforms, vendors, patience);
}

driver_survey library_trial(const char *library, survey_patience patience) { return survey_in_child(write_opening, library, patience); }

void driver_survey_free(driver_survey *survey) {
    free(survey->text);
    survey->text = NULL;
}

bool opencl_loader_is_ocl_icd(void) {
    const libraries_opencl *cl = libraries_opencl_table();
    void *handle = cl->search.found ? dlopen(cl->search.file, RTLD_LAZY | RTLD_NOLOAD) : NULL;
    if (handle == NULL) { return false; }
    bool is_ocl_icd = dlsym(handle, "clGetICDLoaderInfoOCLICD") != NULL;
    dlclose(handle);
    return is_ocl_icd;
}
