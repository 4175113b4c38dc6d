import Glibc
import SomaGraph

/// Writes pictures of another data set as a folder with a folder for each class, as `ImageFolder` reads it.
///
/// Each file appears at once and complete, so a writer that was stopped is simply started again: files that are there
/// and right are kept. Pictures of anything else are refused before the first is written, since they would be mixed with
/// these. No other writer can use the folder meanwhile.
public final class ImageFolderWriter {
    /// As it was given.
    public let path: String
    /// Files that were written, and that were there and right.
    public private(set) var writtenCount = 0
    /// Files that were there already with the same bytes.
    public private(set) var keptCount = 0
    private let lock: FolderLock

    /// A part of the folder, `train` or `val`, and the samples that it is made of.
    public struct Part {
        fileprivate let name: String
        fileprivate let samples: Subset

        /// The first samples of a data set, at most `limit`.
        /// - Parameter dataSet: its field `image` holds values from 0 to 1, and `label` the number of the class.
        public init(_ name: String, _ dataSet: some DataSet, limit: Int = .max) {
            (self.name, samples) = (name, Subset(dataSet, indices: Array(0..<min(limit, dataSet.count))))
        }

        fileprivate func forEachBatch(_ body: (_ start: Int, Batch) throws -> Void) throws {
            let loader = try BatchLoader(samples, batchSize: 64, seed: nil, epochs: 1)
            var start = 0
            while let batch = try loader.next() {
                try body(start, batch)
                start += batch.count
            }
        }
    }

    /// Makes the folder where it is missing, and takes it until the writer is released.
    /// - Throws: `SomaError` where the folder cannot be made or written to, or another writer uses it.
    public init(path: String) throws {
        self.path = path
        try Folder.make(path)
        guard let lock = try FolderLock(folder: path, name: ".writing") else {
            throw SomaError("another process is writing to \(path)")
        }
        self.lock = lock
    }

    deinit { lock.remove() }

    /// Writes the samples as grey PNG files `PATH/PART/CLASS/NUMBER.png`.
    /// - Parameters:
    ///   - size: rows and columns of a picture.
    ///   - progress: called after each picture with how many there are now; what it throws ends writing.
    /// - Throws: `SomaError` naming a picture that is there and none of these, or the file that cannot be written and the
    ///   reason, such as a full disk.
    public func write(_ parts: [Part], size: PictureSize, progress: (_ count: Int) throws -> Void = { _ in }) throws {
        try parts.forEach(refuseOthers)
        for part in parts {
            try part.forEachBatch { start, batch in
                let labels = batch.values(of: "label", as: Int32.self)
                let values = batch.values(of: "image", as: Float.self)
                for (row, label) in labels.enumerated() {
                    let pixels = values[row * values.count / batch.count..<(row + 1) * values.count / batch.count]
                    let picture = Picture(
                        width: size.width, height: size.height, channels: 1,
                        pixels: pixels.map { UInt8((min(max($0, 0), 1) * 255).rounded()) })
                    try write(picture, to: "\(part.name)/\(label)", name: Self.name(start + row))
                    try progress(writtenCount + keptCount)
                }
            }
        }
    }

    // MARK: What is there

    private func refuseOthers(than part: Part) throws {
        let folder = "\(path)/\(part.name)"
        guard access(folder, F_OK) == 0 else { return }
        var own: Set<String> = []
        try part.forEachBatch { start, batch in
            for (row, label) in batch.values(of: "label", as: Int32.self).enumerated() { own.insert("\(label)/\(Self.name(start + row))") }
        }
        let root = Array(folder.utf8)
        let classes = try FolderEntry.list(root).filter { $0.kind == .folder && !$0.isHidden }.map(\.text)
        let found = try ImageFolderScan(root, classes: classes, mayLackPictures: true).list
        for index in 0..<found.count where !own.contains(Array(found.relativePath(index)).pathText) { throw other(found.path(index)) }
    }

    private func other(_ picture: String) -> SomaError {
        SomaError("\(picture) is no picture of this export", hint: "\(path) holds another source or a larger --limit: name another folder or remove it")
    }

    /// Makes all that was written survive a power cut.
    public func finish() { sync() }

    /// Numbers of five digits, so that names are in the order of the samples.
    private static func name(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".png"
    }

    private func write(_ picture: Picture, to folder: String, name: String) throws {
        try Folder.make("\(path)/\(folder)")
        let file = "\(path)/\(folder)/\(name)"
        let bytes = try picture.encoded()
        if access(file, F_OK) == 0 {
            if try SmallFile.read(file, limit: .max) == bytes {
                keptCount += 1
                return
            }
            // What cannot be read was cut short.
            if (try? Picture(path: file)) != nil { throw other(file) }
        }
        try write(bytes, to: file)
        writtenCount += 1
    }

    /// Beside the file and then renamed, without waiting for the disk: that would take minutes for so many.
    private func write(_ bytes: [UInt8], to file: String) throws {
        let partial = "\(path)/.partial"
        // What a writer that was killed has left, or a link: nobody else writes to the folder meanwhile.
        unlink(partial)
        defer { unlink(partial) }
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw SomaError.system("cannot write \(file)") }
        let sink = FileSink(descriptor: descriptor, path: file)
        do {
            defer { close(descriptor) }
            try bytes.withUnsafeBytes { try sink.append($0) }
            try sink.flush()
        }
        guard rename(partial, file) == 0 else { throw SomaError.system("cannot write \(file)") }
    }
}
