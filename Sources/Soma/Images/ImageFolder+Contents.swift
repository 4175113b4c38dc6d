/// A summary of the pictures of a class that is short enough to be kept: how many there are, and a sum that tells whether any was added, removed,
/// renamed or changed its size.
public struct ClassContents: Hashable, Sendable, LosslessStringConvertible {
    /// Pictures of the class, those held out included.
    public fileprivate(set) var count = 0
    /// The sum of a hash of each path and size, so that the order does not matter.
    fileprivate var sum: UInt64 = 0

    fileprivate init() {}

    /// Reads `description`.
    public init?(_ description: String) {
        let parts = description.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), count >= 0, let sum = UInt64(parts[1], radix: 16) else { return nil }
        (self.count, self.sum) = (count, sum)
    }

    public var description: String { "\(count):\(String(sum, radix: 16))" }
}

extension ImageFolder {
    /// What each class consists of. Where chance holds pictures out it does not matter which.
    public func contents() -> [ClassContents] {
        var contents = classes.map { _ in ClassContents() }
        for (part, list) in [trainingList, validationList].enumerated() {
            for index in 0..<list.count {
                let label = Int(list.labels[index])
                contents[label].count += 1
                contents[label].sum &+= list.hash(index, part: isSplit ? part : 0)
            }
        }
        return contents
    }
}

extension ImageList {
    /// Of where a picture is and how large its file. The same whichever form of Unicode the file system keeps names in.
    fileprivate func hash(_ index: Int, part: Int) -> UInt64 {
        let size = FolderEntry.status(bytes(index)).map { Int64($0.st_size) } ?? -1
        var hash = SHA256()
        for bytes in [Array(relativePath(index)).composed, Array("\0\(part)\0\(size)".utf8)] { bytes.withUnsafeBytes { hash.update($0) } }
        return hash.prefix()
    }
}
