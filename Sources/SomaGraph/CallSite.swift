#if canImport(Runtime) && compiler(>=6.2)
    import Runtime
#endif

/// Where the program that uses Soma called into it: operators and layers have no argument for file and line.
enum CallSite {
    /// The modules that a mistake goes through, and is not made in.
    private static let modules = ["Soma", "SomaGraph", "SomaBackend", "SomaCompiler", "CPUBackend", "OpenCLBackend"]
    /// The folder of the sources, with a slash.
    private static let sources = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/") + "/"

    /// Whether a `#fileID` names a file of Soma's own.
    static func isOfSoma(_ fileID: String) -> Bool { modules.contains { fileID.hasPrefix($0 + "/") } }

    /// File and line of the innermost call from outside; nil where they cannot be told, as in a program without debugging information.
    static func current() -> String? {
        #if canImport(Runtime) && compiler(>=6.2)
            guard let backtrace = try? Backtrace.capture(limit: 128), let frames = backtrace.symbolicated()?.frames else { return nil }
            for case let place? in frames.map(\.symbol?.sourceLocation) where place.path.hasPrefix("/") && place.line > 0 {
                if !modules.contains(where: { place.path.hasPrefix(sources + $0 + "/") }) { return "\(place.path):\(place.line)" }
            }
        #endif
        return nil
    }
}
