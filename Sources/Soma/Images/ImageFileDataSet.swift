import SomaGraph

/// Pictures of files with their classes, decoded and transformed when they are read.
///
/// Fields: `image`, float32 [channels, height, width], from 0 to 1 unless a transform normalises it; and `label`, int32.
/// The same seed gives the same values in the same epoch, whatever the number of threads that read.
public struct ImageFileDataSet: DataSet {
    public let fields: [Field]
    public var count: Int { list.count }
    public var readingEffort: ReadingEffort { .decoding }

    private let list: ImageList
    private let transforms: [any ImageTransform]
    private let channels: Int
    private let seed: UInt64
    private let unreadable: UnreadableImages

    init(
        _ list: ImageList, _ transforms: [any ImageTransform], channels: Int, seed: UInt64, unreadable: UnreadablePolicy
    ) {
        let size = transforms.reduce(nil as PictureSize?) { $1.size(after: $0) }
        guard let size else { programError("image data set", "the transforms do not lead to one size for all pictures") }
        guard channels == 1 || channels == 3 else { programError("image data set", "\(channels) channels are neither 1 nor 3") }
        fields = [Field("image", .float32, [channels, size.height, size.width]), Field("label", .int32, [])]
        (self.list, self.transforms, self.channels, self.seed) = (list, transforms, channels, seed)
        self.unreadable = UnreadableImages(unreadable)
    }

    /// How many of the pictures that were asked for so far could not be read.
    public var unreadableCount: Int { unreadable.count }

    public func takeRemarks() -> [String] { unreadable.takeRemarks() }

    /// The path of a picture.
    public func path(of index: Int) -> String { list.path(index) }

    public func read(_ indices: [Int], into batch: BatchMemory) throws {
        let labels = batch.values(of: "label", as: Int32.self)
        for (row, index) in indices.enumerated() {
            let output = batch.row(row, of: "image", as: Float.self)
            if let label = try read(index, epoch: batch.epoch, into: output) { labels[row] = label } else { batch.leaveOut(row) }
        }
    }

    /// Reads a picture and returns its class; nil where that fails and it is to be left out.
    private func read(_ index: Int, epoch: Int, into output: UnsafeMutableBufferPointer<Float>) throws -> Int32? {
        do {
            try decode(index, seededBy: index, epoch, into: output)
            return list.labels[index]
        } catch let error as SomaError {
            if unreadable.policy == .fatal { throw error }
            unreadable.note(index, error)
            return unreadable.policy == .leftOut ? nil : try replace(index, epoch, error, into: output)
        }
    }

    /// Reads the next picture that can be read, and returns its class. Those that failed before are not tried again, so
    /// that a long row of them is gone through once.
    private func replace(
        _ index: Int, _ epoch: Int, _ first: SomaError, into output: UnsafeMutableBufferPointer<Float>
    ) throws -> Int32 {
        var failure = first
        for candidate in (index + 1..<index + count).lazy.map({ $0 % count }) where !unreadable.contains(candidate) {
            do {
                try decode(candidate, seededBy: index, epoch, into: output)
                return list.labels[candidate]
            } catch let error as SomaError {
                unreadable.note(candidate, error)
                failure = error
            }
        }
        throw SomaError("none of the \(count) pictures can be read, the last for this reason: \(failure.message)")
    }

    private func decode(
        _ index: Int, seededBy number: Int, _ epoch: Int, into output: UnsafeMutableBufferPointer<Float>
    ) throws {
        let file = try EncodedPicture(path: list.bytes(index))
        try DecodingRoom.shared.use(for: file.size) {
            var image = ImageSample(file, channels: channels)
            for (place, transform) in transforms.enumerated() {
                var random = ImageRandom.generator(seed: seed, epoch: epoch, sample: number, transform: place)
                try transform.apply(to: &image, random: &random)
            }
            try image.write(to: output)
        }
    }
}

/// Where transforms get their random numbers: a sequence for each seed, epoch, sample and transform.
enum ImageRandom {
    /// Streams from 2⁶² on, so that no other use of the seed meets the same numbers.
    private static let first: UInt64 = 1 << 62
    /// The stream that splits a list: no epoch has this number.
    static let splitting: UInt64 = first | (first - 1)

    static func generator(seed: UInt64, epoch: Int, sample: Int, transform: Int) -> Philox {
        Philox(
            seed: seed, stream: first | UInt64(epoch) << 8 | UInt64(transform & 255), position: UInt64(sample) << 20)
    }
}
