extension ImageFolder: DataSource {
    /// For each class how many pictures it has, those held out included, and a sum of a hash of each one's path and size, which tells whether any
    /// was added, removed, renamed or changed its size. Where chance holds pictures out it does not matter which.
    public func fingerprint() -> DataFingerprint {
        var (counts, sums) = (classes.map { _ in 0 }, classes.map { _ in UInt64(0) })
        for (part, list) in [trainingList, validationList].enumerated() {
            for index in 0..<list.count {
                let label = Int(list.labels[index])
                counts[label] += 1
                sums[label] &+= list.hash(index, part: isSplit ? part : 0)
            }
        }
        let parts = classes.indices.map { label in
            DataFingerprint.Part(name: classes[label], count: counts[label], hash: String(sums[label], radix: 16))
        }
        return DataFingerprint(.pictures, parts: parts)
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
