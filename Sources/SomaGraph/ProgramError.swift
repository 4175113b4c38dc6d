/// Ends the process with a sentence about a mistake of the program (a wrong shape or dtype), in release builds too.
///
/// - Parameters:
///   - operation: what was asked for, for instance `matmul`.
///   - reason: what is wrong with it, shapes and dtypes included.
public func programError(
    _ operation: String, _ reason: String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
    fatalError("Soma: \(operation): \(reason)", file: file, line: line)
}
