import Glibc

/// Ends the process with one line about a mistake of the program (a wrong shape or dtype), in release builds too.
///
/// The line begins with the file and line of the program that uses Soma, and ends with the layer that was being built, as far as they are known.
/// Nothing follows it; with `SWIFT_BACKTRACE` in the environment Swift adds its report of the crash.
/// - Parameters:
///   - operation: what was asked for, for instance `matmul`.
///   - reason: what is wrong with it, shapes and dtypes included.
public func programError(
    _ operation: String, _ reason: String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
    let given = "\(file):\(line)"
    let place = CallSite.isOfSoma(given) ? CallSite.current() ?? given : given
    let layer = LayerPath.description.map { " (in \($0))" } ?? ""
    let text = "\(place): Soma: \(operation): \(reason)\(layer)\n"
    _ = text.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    if getenv("SWIFT_BACKTRACE") == nil { signal(SIGABRT, SIG_DFL) }
    abort()
}
