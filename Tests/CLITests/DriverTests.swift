import Foundation
import Soma
import Testing

/// OpenCL drivers that are broken, see no device, or are asked for other kernels.
@Suite struct DriverTests {
    let folder = TestFolder()

    /// What the loader is told here, if there is a device at all.
    private static let installed: [String] = {
        guard Device.all().contains(where: { $0.name == "opencl:0" }) else { return [] }
        let folder = "/etc/OpenCL/vendors"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".icd") }.sorted().compactMap { try? String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8) }
    }()

    /// A folder of ICD files for the drivers that are installed and for libraries made of C.
    private func vendors(_ libraries: [String: String], withInstalled: Bool = true) throws -> [String: String] {
        for (number, text) in (withInstalled ? Self.installed : []).enumerated() { try folder.write("vendors/installed\(number).icd", Array(text.utf8)) }
        for (name, text) in libraries {
            let source = try folder.write("\(name).c", Array(text.utf8))
            let library = "\(folder.path)/lib\(name).so"
            let compiler = Command.run(["cc", "-shared", "-fPIC", "-w", "-o", library, source], in: folder)
            try #require(compiler.status == 0, "\(compiler.complaint)")
            try folder.write("vendors/\(name).icd", Array("\(library)\n".utf8))
        }
        return ["OCL_ICD_VENDORS": "\(folder.path)/vendors"]
    }

    private func names(_ command: Command) throws -> [String] { try JSON(parsing: command.output).array?.compactMap { $0["name"]?.string } ?? [] }

    private static let dying = "#include <stdlib.h>\n__attribute__((constructor)) static void die(void) { abort(); }\n"

    @Test(.enabled(if: !installed.isEmpty, "no OpenCL device")) func aDriverThatAbortsIsPassedOver() throws {
        let environment = try vendors(["broken": Self.dying])
        let devices = Command.soma("devices", "--json", in: folder, environment: environment)
        devices.expectComplaint(0, "passed over", "broken.icd", "signal 6")
        #expect(try names(devices).contains("opencl:0"))
        let diagnosis = Command.soma("devices", "--diagnose", in: folder, environment: environment)
        #expect(diagnosis.status == 0 && diagnosis.output.contains("broken.icd: ") && diagnosis.output.contains("does not open: it ends the process with signal 6"))
        // The device of the others computes.
        let train = Command.soma("train", "digits", "--epochs", "1", "--device", "opencl:0", "--json", "hidden=16", in: folder, environment: environment)
        #expect(train.status == 0 && train.complaint.contains("passed over"), "\(train.complaint)")
    }

    /// As two drivers do that bring the same compiler: each loads alone, and the second ends the process.
    @Test(.enabled(if: !installed.isEmpty, "no OpenCL device")) func oneOfTwoThatDoNotGoTogetherIsPassedOver() throws {
        let jealous = """
            #include <stdlib.h>
            #include <stdio.h>
            __attribute__((constructor)) static void meet(void) {
                if (getenv("THERE_IS_ONE")) { fputs("Option 'x' registered more than once!\\n", stderr); abort(); }
                setenv("THERE_IS_ONE", "1", 1);
            }
            """
        let devices = Command.soma("devices", "--json", in: folder, environment: try vendors(["first": jealous, "second": jealous]))
        devices.expectComplaint(0, "passed over", "second.icd", "registered more than once")
        #expect(try names(devices).contains("opencl:0"))
    }

    @Test func aProcessWithoutADriverThatLivesHasItsProcessor() throws {
        let devices = Command.soma("devices", "--json", in: folder, environment: try vendors(["broken": Self.dying], withInstalled: false))
        if !devices.complaint.isEmpty { devices.expectComplaint(0, "broken.icd") }
        #expect(try devices.status == 0 && names(devices) == ["cpu"])
    }

    private static let silent = "#include <unistd.h>\n__attribute__((constructor)) static void wait(void) { for (;;) pause(); }\n"

    /// A driver that does not answer is named while it is waited for, and waited for once, until it is asked for or is another one.
    @Test(.timeLimit(.minutes(1)), .enabled(if: !installed.isEmpty, "no OpenCL device")) func aDriverThatDoesNotAnswerIsWaitedForOnce() throws {
        var environment = try vendors(["silent": Self.silent], withInstalled: false)
        (environment["SOMA_CACHE"], environment["SOMA_DRIVER_WAIT"]) = ("\(folder.path)/cache", "3")
        func devices(_ more: String) -> Command { Command.soma("devices", more, in: folder, environment: environment) }
        let (silence, notice) = ("it gives no answer within 3 s", "waiting for OpenCL to list devices, 3 s at most: \(folder.path)/libsilent.so")
        let first = devices("--json")
        #expect(try first.status == 0 && names(first) == ["cpu"])
        for words in [notice, "passed over: \(silence); no process waits", "--check"] {
            #expect(first.complaint.contains(words), "\(first.complaint)")
        }
        let second = devices("--json")
        second.expectComplaint(0, "silent.icd", "passed over: \(silence)", "--check")
        #expect(!second.complaint.contains("waiting"), "\(second.complaint)")
        let diagnosis = devices("--diagnose")
        #expect(diagnosis.complaint.contains(notice), "\(diagnosis.complaint)")
        #expect(diagnosis.output.contains("silent.icd: \(folder.path)/libsilent.so, which does not open: \(silence)"), "\(diagnosis.output)")
        try folder.write("libsilent.so", Array("no library any more".utf8))
        let changed = devices("--json")
        #expect(changed.status == 0 && !changed.complaint.contains("passed over"), "\(changed.complaint)")
    }

    /// A driver whose platform shows no device, as Rusticl's does until it is told of its drivers.
    private static let empty = """
        #include <CL/cl_icd.h>
        #include <string.h>
        static struct _cl_icd_dispatch table;
        struct _cl_platform_id { struct _cl_icd_dispatch *dispatch; } platform = {&table};
        static cl_int info(cl_platform_id p, cl_platform_info key, size_t size, void *value, size_t *needed) {
            const char *text = key == CL_PLATFORM_NAME ? "rusticl" : key == CL_PLATFORM_VERSION ? "OpenCL 3.0" : key == CL_PLATFORM_PROFILE ? "FULL_PROFILE"
                : key == 0x0920 ? "MESA" : "cl_khr_icd";
            if (needed) *needed = strlen(text) + 1;
            if (value) { if (size < strlen(text) + 1) return CL_INVALID_VALUE; strcpy(value, text); }
            return CL_SUCCESS;
        }
        static cl_int devices(cl_platform_id p, cl_device_type type, cl_uint most, cl_device_id *ids, cl_uint *count) {
            if (count) *count = 0;
            return CL_DEVICE_NOT_FOUND;
        }
        cl_int clIcdGetPlatformIDsKHR(cl_uint most, cl_platform_id *ids, cl_uint *count) {
            table.clGetPlatformInfo = info;
            table.clGetDeviceIDs = devices;
            if (ids && most > 0) ids[0] = &platform;
            if (count) *count = 1;
            return CL_SUCCESS;
        }
        void *clGetExtensionFunctionAddress(const char *name) {
            return !strcmp(name, "clIcdGetPlatformIDsKHR") ? (void *)clIcdGetPlatformIDsKHR : !strcmp(name, "clGetPlatformInfo") ? (void *)info : 0;
        }
        """

    @Test(.enabled(if: !installed.isEmpty, "no OpenCL device")) func aPlatformWithoutDevicesIsTold() throws {
        let environment = try vendors(["empty": Self.empty])
        let plain = Command.soma("devices", "--diagnose", in: folder, environment: environment)
        #expect(plain.lines.contains { $0.contains("platform rusticl: no device; set RUSTICL_ENABLE to ") }, "\(plain.output)")
        let tried = Command.soma("devices", "--diagnose", in: folder, environment: environment.merging(["RUSTICL_ENABLE": "iris"]) { $1 })
        #expect(tried.lines.contains { $0.contains("platform rusticl: no device; none of RUSTICL_ENABLE=iris finds one") }, "\(tried.output)")
        let others = Command.soma("devices", "--diagnose", in: folder, environment: environment.merging(["OCL_ICD_FILENAMES": "/nowhere/libnone.so"]) { $1 })
        #expect(others.lines.contains { $0.contains("OCL_ICD_FILENAMES") }, "\(others.output)")
    }

    /// A driver that shows a GPU to the process which looks at drivers, and which ends with its parent; to any other it shows nothing.
    private static let shy = """
        #include <CL/cl_icd.h>
        #include <signal.h>
        #include <string.h>
        #include <sys/prctl.h>
        static struct _cl_icd_dispatch table;
        struct _cl_platform_id { struct _cl_icd_dispatch *dispatch; } platform = {&table};
        struct _cl_device_id { struct _cl_icd_dispatch *dispatch; } device = {&table};
        static cl_int text(const char *text, size_t size, void *value, size_t *needed) {
            if (needed) *needed = strlen(text) + 1;
            if (value) { if (size < strlen(text) + 1) return CL_INVALID_VALUE; strcpy(value, text); }
            return CL_SUCCESS;
        }
        static cl_int info(cl_platform_id p, cl_platform_info key, size_t size, void *value, size_t *needed) {
            return text(key == CL_PLATFORM_NAME ? "Shy" : key == CL_PLATFORM_VERSION ? "OpenCL 3.0" : key == CL_PLATFORM_PROFILE ? "FULL_PROFILE"
                : key == 0x0920 ? "SHY" : "cl_khr_icd", size, value, needed);
        }
        static cl_int device_info(cl_device_id d, cl_device_info key, size_t size, void *value, size_t *needed) {
            if (key == CL_DEVICE_NAME) return text("Shy GPU", size, value, needed);
            if (key == CL_DEVICE_PROFILE) return text("FULL_PROFILE", size, value, needed);
            if (key == CL_DEVICE_VENDOR || key == CL_DRIVER_VERSION || key == CL_DEVICE_VERSION || key == CL_DEVICE_EXTENSIONS)
                return text("1", size, value, needed);
            unsigned long long number = key == CL_DEVICE_TYPE ? CL_DEVICE_TYPE_GPU : 1;
            if (needed) *needed = size < 8 ? size : 8;
            if (value) { memset(value, 0, size); memcpy(value, &number, size < 8 ? size : 8); }
            return CL_SUCCESS;
        }
        static cl_int devices(cl_platform_id p, cl_device_type type, cl_uint most, cl_device_id *ids, cl_uint *count) {
            if (!(type & CL_DEVICE_TYPE_GPU) && type != CL_DEVICE_TYPE_ALL) { if (count) *count = 0; return CL_DEVICE_NOT_FOUND; }
            if (ids && most > 0) ids[0] = &device;
            if (count) *count = 1;
            return CL_SUCCESS;
        }
        cl_int clIcdGetPlatformIDsKHR(cl_uint most, cl_platform_id *ids, cl_uint *count) {
            int number = 0;
            prctl(PR_GET_PDEATHSIG, &number);
            if (count) *count = number == SIGKILL;
            if (number != SIGKILL) return -1001;
            table.clGetPlatformInfo = info;
            table.clGetDeviceIDs = devices;
            table.clGetDeviceInfo = device_info;
            if (ids && most > 0) ids[0] = &platform;
            return CL_SUCCESS;
        }
        void *clGetExtensionFunctionAddress(const char *name) {
            return !strcmp(name, "clIcdGetPlatformIDsKHR") ? (void *)clIcdGetPlatformIDsKHR : !strcmp(name, "clGetPlatformInfo") ? (void *)info : 0;
        }
        """

    /// No device takes the place of another because its driver comes at another place than when devices were listed.
    @Test(.enabled(if: !installed.isEmpty, "no OpenCL device")) func devicesAreNotExchanged() throws {
        let environment = try vendors(["shy": Self.shy])
        let listed = try JSON(parsing: Command.soma("devices", "--json", in: folder, environment: environment).output).array ?? []
        func name(isShy: Bool) throws -> String {
            let device = listed.first { $0["kind"] != nil && $0["name"] != "cpu" && ($0["model"]?.string?.contains("Shy GPU") == true) == isShy }
            return try #require(device?["name"]?.string, "\(listed)")
        }
        func train(_ name: String) -> Command {
            Command.soma("train", "digits", "--epochs", "1", "--device", name, "--json", "hidden=16", in: folder, environment: environment)
        }
        let shy = train(try name(isShy: true))
        #expect(shy.status != 0 && shy.complaint.contains("it was Shy GPU (Shy, driver 1) when devices were listed"), "\(shy.complaint)")
        let other = train(try name(isShy: false))
        #expect(other.status == 0, "\(other.complaint)")
    }

    /// The kernels are a choice, which shows wherever the device is named.
    @Test(.enabled(if: !installed.isEmpty, "no OpenCL device"), arguments: ["gpu", "cpu"]) func kernelsAreChosenByAVariable(_ kind: String) throws {
        let environment = ["SOMA_KERNELS": kind]
        let source = Command.soma("explain-graph", "digits", "--device", "opencl:0", "--source", "hidden=32", in: folder, environment: environment)
        #expect(source.status == 0 && source.output.contains("#define SOMA_CPU \(kind == "cpu" ? 1 : 0)\n"), "\(source.complaint)")
        #expect(!source.output.contains("#define SOMA_CPU \(kind == "cpu" ? 0 : 1)\n"))
        let device = try #require(try JSON(parsing: Command.soma("devices", "--json", in: folder, environment: environment).output).array?.first { $0["name"] == "opencl:0" })
        let suits = device["kind"] == "cpu" ? "cpu" : "gpu"
        let told = device["model"]?.string?.hasSuffix(", kernels for \(kind == "gpu" ? "GPUs" : "processors")")
        #expect(told == (kind != suits))
    }

    // MARK: A layer between the loader and the drivers

    /// Kernels take groups of `LAYER_GROUP` and say so, or refuse larger ones than `LAYER_REFUSAL` without having said so; of their texts
    /// `LAYER_FROM` becomes `LAYER_TO`.
    private static let layer = """
        #define CL_TARGET_OPENCL_VERSION 300
        #include <CL/cl_layer.h>
        #include <stdlib.h>
        #include <string.h>
        static struct _cl_icd_dispatch own;
        static const struct _cl_icd_dispatch *next;
        static size_t limit(const char *name) { const char *text = getenv(name); return text && *text ? strtoul(text, 0, 10) : (size_t)-1; }
        static cl_int kernel_info(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info key, size_t size, void *value, size_t *needed) {
            cl_int code = next->clGetKernelWorkGroupInfo(kernel, device, key, size, value, needed);
            if (code == CL_SUCCESS && value && key == CL_KERNEL_WORK_GROUP_SIZE && *(size_t *)value > limit("LAYER_GROUP")) *(size_t *)value = limit("LAYER_GROUP");
            return code;
        }
        static cl_int launch(cl_command_queue queue, cl_kernel kernel, cl_uint dimensions, const size_t *offset, const size_t *global, const size_t *local,
            cl_uint count, const cl_event *waits, cl_event *event) {
            size_t items = 1;
            for (cl_uint axis = 0; local && axis < dimensions; axis++) items *= local[axis];
            if (items > limit("LAYER_GROUP") || items > limit("LAYER_REFUSAL")) return CL_INVALID_WORK_GROUP_SIZE;
            return next->clEnqueueNDRangeKernel(queue, kernel, dimensions, offset, global, local, count, waits, event);
        }
        static cl_program program(cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *code) {
            const char *from = getenv("LAYER_FROM"), *to = getenv("LAYER_TO"), *place = from && count == 1 && !lengths ? strstr(texts[0], from) : 0;
            if (!place) return next->clCreateProgramWithSource(context, count, texts, lengths, code);
            char *changed = calloc(1, strlen(texts[0]) + strlen(to) + 1);
            strcat(strcat(strncpy(changed, texts[0], place - texts[0]), to), place + strlen(from));
            const char *text = changed;
            cl_program result = next->clCreateProgramWithSource(context, 1, &text, 0, code);
            free(changed);
            return result;
        }
        cl_int clGetLayerInfo(cl_layer_info key, size_t size, void *value, size_t *needed) {
            if (key != CL_LAYER_API_VERSION) return CL_INVALID_VALUE;
            if (value) *(cl_layer_api_version *)value = CL_LAYER_API_VERSION_100;
            if (needed) *needed = sizeof(cl_layer_api_version);
            return CL_SUCCESS;
        }
        cl_int clInitLayer(cl_uint count, const struct _cl_icd_dispatch *target, cl_uint *own_count, const struct _cl_icd_dispatch **table) {
            cl_uint whole = sizeof own / sizeof(void *);
            next = target;
            memcpy(&own, target, (count < whole ? count : whole) * sizeof(void *));
            own.clGetKernelWorkGroupInfo = kernel_info;
            own.clEnqueueNDRangeKernel = launch;
            own.clCreateProgramWithSource = program;
            *own_count = count < whole ? count : whole;
            *table = &own;
            return CL_SUCCESS;
        }
        """

    private func layered(_ variables: [String: String]) throws -> [String: String] {
        let (source, library) = (try folder.write("layer.c", Array(Self.layer.utf8)), "\(folder.path)/layer.so")
        let compiler = Command.run(["cc", "-shared", "-fPIC", "-w", "-o", library, source], in: folder)
        try #require(compiler.status == 0, "\(compiler.complaint)")
        return variables.merging(["OPENCL_LAYERS": library, "SOMA_KERNELS": "gpu", "SOMA_CACHE": ""]) { $1 }
    }

    /// A device whose kernels take small groups trains as any other, whether they say so or only refuse.
    @Test(.timeLimit(.minutes(60)), .enabled(if: !installed.isEmpty, "no OpenCL device")) func kernelsThatTakeSmallGroupsTrain() throws {
        func loss(_ environment: [String: String]) throws -> Double {
            let words = ["train", "digits", "--epochs", "1", "--device", "opencl:0", "--json", "hidden=16"]
            let train = Command.run(["\(Command.folder)/soma"] + words, in: folder, environment: environment)
            #expect(train.status == 0, "\(train.complaint)")
            let losses = train.lines.compactMap { line -> Double? in (try? JSON(parsing: line))?["loss"]?.double }
            return try #require(losses.last)
        }
        let plain = try loss(["SOMA_KERNELS": "gpu", "SOMA_CACHE": ""])
        for variable in ["LAYER_GROUP", "LAYER_REFUSAL"] {
            let small = try loss(try layered([variable: "64"]))
            #expect(abs(plain - small) < 1e-3 * plain, "\(variable): \(plain) and \(small)")
        }
    }

    /// A compiler that doubles the gradients of a pooling is noticed, named, and the kernels are done without.
    @Test(.timeLimit(.minutes(60)), .enabled(if: !installed.isEmpty, "no OpenCL device")) func aDriverThatComputesWronglyIsNamed() throws {
        let fault = "value += g[window_y * pooled_width + window_x];"
        var environment = try layered(["LAYER_FROM": fault, "LAYER_TO": fault + fault])
        environment["SOMA_CACHE"] = "\(folder.path)/cache"
        let check = Command.soma("devices", "--check", "--device", "opencl:0", in: folder, environment: environment)
        #expect(check.status == 1 && check.lines.contains { $0.contains("opencl:0: pooling: gradient of pooling by max") }, "\(check.output)\(check.complaint)")
        #expect(check.lines.contains { $0.hasPrefix("pooling ") && $0.hasSuffix("those for processors") }, "\(check.output)")
        #expect(check.lines.contains { $0.hasPrefix("matmul ") && $0.hasSuffix(" 0") }, "\(check.output)")
        // It is remembered.
        let diagnosis = Command.soma("devices", "--diagnose", in: folder, environment: environment)
        #expect(diagnosis.output.contains("opencl:0 does without its kernels for pooling"), "\(diagnosis.output)")
    }
}
