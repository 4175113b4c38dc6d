import CLibraries
import SomaBackend
import Synchronization

/// Builds programs for one device and keeps what it built, in memory and on disk.
final class OpenCLPrograms: Sendable {
    private struct Contents: @unchecked Sendable {
        var programs: [String: cl_program] = [:]
        /// Those of them that were built and are not on disk.
        var unkept: Set<String> = []
    }

    private let context: OpenCLContext
    private let cache: ProgramCache
    private let miscompilation: (@Sendable (String) -> String)?
    private let contents = Mutex(Contents())

    /// - Parameter miscompilation: what becomes of texts before they are compiled, for tests of what notices that.
    init(context: OpenCLContext, cache: ProgramCache, miscompilation: (@Sendable (String) -> String)? = nil) {
        (self.context, self.cache, self.miscompilation) = (context, cache, miscompilation)
    }

    deinit { contents.withLock { for program in $0.programs.values { _ = cl.pointee.clReleaseProgram(program) } } }

    /// A kernel of its own, which nobody else sets arguments of.
    /// - Parameter isKept: whether its program is to be kept on disk. Some drivers compile anew to tell what they compiled.
    /// - Throws: `BackendError.buildFailed` with the compiler's log.
    func kernel(_ name: String, _ source: String, options: String = "", isKept: Bool = true) throws -> cl_kernel {
        try keepingSignalActions {
            let program = try self.program(name, source, options: options, isKept: isKept)
            var code: cl_int = 0
            guard let kernel = cl.pointee.clCreateKernel(program, name, &code) else {
                throw BackendError.buildFailed(kernel: name, log: OpenCLError(function: "clCreateKernel", code: code).description)
            }
            return kernel
        }
    }

    /// What every program is built with, and what is particular to one.
    static func options(_ particular: String) -> String {
        // -w: compilers warn about loops that they could not vectorise, on a stream that nobody reads.
        "-cl-std=CL1.2 -w " + particular
    }

    private func program(_ name: String, _ source: String, options: String, isKept: Bool) throws -> cl_program {
        let (options, source) = (Self.options(options), miscompilation?(source) ?? source)
        // Held while building: two threads that want the same program build it once.
        return try contents.withLock { contents in
            let ingredients = [
                source, options, context.device.model, context.device.driver, context.device.version, context.device.platformVersion,
            ]
            let key = ProgramCache.key(ingredients)
            let program: cl_program
            if let known = contents.programs[key] ?? load(key, options) {
                program = known
            } else {
                program = try build(name, source, options)
                contents.unkept.insert(key)
            }
            contents.programs[key] = program
            if isKept && contents.unkept.remove(key) != nil { keep(program, key) }
            return Built(program: program)
        }.program
    }

    private struct Built: @unchecked Sendable { var program: cl_program }

    private func build(_ name: String, _ source: String, _ options: String) throws -> cl_program {
        var code: cl_int = 0
        let program = source.withCString { text in
            var text: UnsafePointer<CChar>? = text
            return cl.pointee.clCreateProgramWithSource(context.handle, 1, &text, nil, &code)
        }
        guard let program else { throw BackendError.buildFailed(kernel: name, log: "clCreateProgramWithSource: \(code)") }
        var id: cl_device_id? = context.id
        code = cl.pointee.clBuildProgram(program, 1, &id, options, nil, nil)
        guard code == CL_SUCCESS else {
            let log = log(of: program)
            _ = cl.pointee.clReleaseProgram(program)
            throw BackendError.buildFailed(kernel: name, log: log.isEmpty ? OpenCLError(function: "clBuildProgram", code: code).description : log)
        }
        return program
    }

    /// Writes a program to disk. A driver may compile only to answer what it is: it is asked only where the answer is kept.
    private func keep(_ program: cl_program, _ key: String) {
        if cache.folder != nil, let binary = binary(of: program) { cache.write(binary, key) }
    }

    /// The program kept on disk; one that the driver refuses is forgotten.
    private func load(_ key: String, _ options: String) -> cl_program? {
        guard let binary = cache.read(key) else { return nil }
        var (code, status): (cl_int, cl_int) = (0, 0)
        var id: cl_device_id? = context.id
        let program = binary.withUnsafeBufferPointer { bytes in
            var size = bytes.count
            var start = bytes.baseAddress
            return cl.pointee.clCreateProgramWithBinary(context.handle, 1, &id, &size, &start, &status, &code)
        }
        if let program, code == CL_SUCCESS, status == CL_SUCCESS, cl.pointee.clBuildProgram(program, 1, &id, options, nil, nil) == CL_SUCCESS {
            return program
        }
        if let program { _ = cl.pointee.clReleaseProgram(program) }
        cache.remove(key)
        return nil
    }

    private func log(of program: cl_program) -> String {
        var size = 0
        let key = cl_program_build_info(CL_PROGRAM_BUILD_LOG)
        guard cl.pointee.clGetProgramBuildInfo(program, context.id, key, 0, nil, &size) == CL_SUCCESS, size > 0 else { return "" }
        var bytes = [UInt8](repeating: 0, count: size)
        guard cl.pointee.clGetProgramBuildInfo(program, context.id, key, size, &bytes, nil) == CL_SUCCESS else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self).trimmingSpaces()
    }

    private func binary(of program: cl_program) -> [UInt8]? {
        var size = 0
        guard cl.pointee.clGetProgramInfo(program, cl_program_info(CL_PROGRAM_BINARY_SIZES), 8, &size, nil) == CL_SUCCESS, size > 0 else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let code = bytes.withUnsafeMutableBufferPointer { buffer in
            var start = buffer.baseAddress
            return cl.pointee.clGetProgramInfo(program, cl_program_info(CL_PROGRAM_BINARIES), 8, &start, nil)
        }
        return code == CL_SUCCESS ? bytes : nil
    }
}
