import Glibc
import SomaGraph

/// Writes pictures of another data set as a folder with a folder for each class, as `ImageFolder` reads it.
///
/// Each file appears at once and complete, so a writer that was stopped is simply started again: files that are there
/// and right are kept. No other writer can use the folder meanwhile.
public final class ImageFolderWriter {
    public let path: String
    /// Files that were written, and that were there and right.
    public private(set) var writtenCount = 0
    public private(set) var keptCount = 0
    private let lock: CInt

    /// - Throws: `SomaError` where the folder cannot be made or written to, or another writer uses it.
    public init(path: String) throws {
        self.path = path
        try Folder.make(path)
        lock = open("\(path)/.writing", O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard lock >= 0 else { throw SomaError.system("cannot write to \(path)") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw SomaError("another process is writing to \(path)")
        }
    }

    deinit {
        unlink("\(path)/.writing")
        close(lock)
    }

    /// Writes the first samples of a data set as grey PNG files `PATH/PART/CLASS/NUMBER.png`.
    /// - Parameters:
    ///   - dataSet: its field `image` holds values from 0 to 1, and `label` the number of the class.
    ///   - size: rows and columns of a picture.
    ///   - limit: how many samples at most.
    ///   - progress: called after each picture with how many there are now; what it throws ends writing.
    /// - Throws: `SomaError` naming the file and the reason, such as a full disk.
    public func write(
        _ dataSet: some DataSet, part: String, size: PictureSize, limit: Int = .max,
        progress: (_ count: Int) throws -> Void = { _ in }
    ) throws {
        let samples = Subset(dataSet, indices: Array(0..<min(limit, dataSet.count)))
        let loader = try BatchLoader(samples, batchSize: 64, seed: nil, epochs: 1)
        var number = 0
        while let batch = try loader.next() {
            let labels = batch.values(of: "label", as: Int32.self)
            let values = batch.values(of: "image", as: Float.self)
            for (row, label) in labels.enumerated() {
                let pixels = values[row * values.count / batch.count..<(row + 1) * values.count / batch.count]
                let picture = Picture(
                    width: size.width, height: size.height, channels: 1,
                    pixels: pixels.map { UInt8((min(max($0, 0), 1) * 255).rounded()) })
                try write(picture, to: "\(part)/\(label)", name: Self.name(number))
                number += 1
                try progress(writtenCount + keptCount)
            }
        }
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
        if access(file, F_OK) == 0, try SmallFile.read(file, limit: .max) == bytes {
            keptCount += 1
            return
        }
        try write(bytes, to: file)
        writtenCount += 1
    }

    /// Beside the file and then renamed, without waiting for the disk: that would take minutes for so many.
    private func write(_ bytes: [UInt8], to file: String) throws {
        let partial = "\(path)/.partial"
        defer { unlink(partial) }
        let descriptor = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
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
