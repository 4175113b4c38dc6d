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
            // All lines of a program are gone through to find that of one frame, so frames are looked up one by one, the call being most often near, and
            // in a debug build, where nothing of Soma is inlined, without what is.
            #if DEBUG
                let options: Backtrace.SymbolicationOptions = [.showSourceLocations, .useSymbolCache]
            #else
                let options = Backtrace.SymbolicationOptions.default
            #endif
            let images = ImageMap.capture()
            // The first is this one. Of two the second stands for those that follow.
            for offset in 1..<128 {
                guard let backtrace = try? Backtrace.capture(limit: 2, offset: offset, top: 0, images: images),
                    let frames = backtrace.symbolicated(with: images, options: options)?.frames
                else { return nil }
                for case let place? in frames.map(\.symbol?.sourceLocation) where place.path.hasPrefix("/") && place.line > 0 {
                    if !modules.contains(where: { place.path.hasPrefix(sources + $0 + "/") }) { return "\(place.path):\(place.line)" }
                }
            }
        #endif
        return nil
    }
}
