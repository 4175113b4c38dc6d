import Glibc

/// A copy of a file that is about to be replaced although it was not understood.
package enum KeptCopy {
    /// Writes `bytes`, those of the file at `path`, beside it as the first free `NAME.1`, `NAME.2`, …
    /// - Returns: the path of the copy.
    /// - Throws: `SomaError` where it cannot be written.
    package static func make(of bytes: [UInt8], at path: String) throws -> String {
        var number = 1
        var status = stat()
        while lstat("\(path).\(number)", &status) == 0 { number += 1 }
        let copy = "\(path).\(number)"
        try AtomicFile.write(bytes, to: copy, links: .replaced)
        return copy
    }
}
