import SomaGraph

/// Pictures with classes, read from two IDX files such as those of MNIST.
///
/// Fields: `image`, float32, (pixel · scale − mean) / deviation; and `label`, int32, 0 ..< classCount.
public struct ImageDataSet: DataSet {
    public let fields: [Field]
    /// How many classes there are; labels lie in 0 ..< classCount.
    public let classCount: Int
    private let images: IDXFile
    private let labels: [Int32]
    private let scale: Float
    private let mean: Float
    private let deviation: Float
    /// What each of the 256 values of a byte becomes.
    private let table: [Float]

    /// The samples of two IDX files, one with the images and one with the labels; labels are read at once.
    /// - Parameters:
    ///   - shape: the shape of one image as the model wants it; nil flattens it.
    ///   - scale: usually one over the largest value of a pixel.
    ///   - mean: subtracted after scaling.
    ///   - deviation: divided by last.
    /// - Throws: `SomaError` naming the file where the two do not belong together or a label is out of range.
    public init(
        images: IDXFile, labels: IDXFile, classCount: Int = 10, shape: [Int]? = nil, scale: Float = 1 / 255,
        mean: Float = 0, deviation: Float = 1
    ) throws {
        guard images.count == labels.count else {
            throw SomaError("\(images.path) has \(images.count) images but \(labels.path) has \(labels.count) labels")
        }
        guard images.count > 0, images.elementsPerSample > 0 else { throw SomaError("\(images.path) holds no pictures") }
        let shape = shape ?? [images.elementsPerSample]
        guard checkedProduct(shape) == images.elementsPerSample else {
            throw SomaError("the images of \(images.path) are \(images.shape.dropFirst()), not \(shape)")
        }
        (self.images, self.classCount) = (images, classCount)
        self.labels = try Self.checked(labels, classCount)
        (self.scale, self.mean, self.deviation) = (scale, mean, deviation)
        table = (0..<256).map { (Float($0) * scale - mean) / deviation }
        fields = [Field("image", .float32, shape), Field("label", .int32, [])]
    }

    private static func checked(_ labels: IDXFile, _ classCount: Int) throws -> [Int32] {
        guard labels.elementsPerSample == 1 else {
            throw SomaError("\(labels.path) has \(labels.shape), not one label for each sample")
        }
        // Read at once: they are small and many.
        let labels = try labels.loaded()
        return try (0..<labels.count).map { index in
            let value = try labels.firstElement(of: index)
            guard value >= 0, value < Double(classCount), let label = Int32(exactly: value) else {
                let text = Int(exactly: value).map(String.init) ?? String(value)
                throw SomaError(
                    "\(labels.path) has the label \(text) at \(index), which is none of \(classCount) classes")
            }
            return label
        }
    }

    public var count: Int { labels.count }

    public func read(_ indices: [Int], into batch: BatchMemory) throws {
        let label = batch.values(of: "label", as: Int32.self)
        for (row, index) in indices.enumerated() {
            label[row] = labels[index]
            try read(index, into: batch.row(row, of: "image", as: Float.self))
        }
    }

    private func read(_ index: Int, into output: UnsafeMutableBufferPointer<Float>) throws {
        guard images.elementType == .uint8 else {
            try images.readSample(index, into: output)
            for i in output.indices { output[i] = (output[i] * scale - mean) / deviation }
            return
        }
        try table.withUnsafeBufferPointer { table in
            try images.withSample(index) { pixels in
                for i in output.indices { output[i] = table[Int(pixels[i])] }
            }
        }
    }
}

extension Digits {
    /// The 1,797 digits as a data set: `image` float32 [64] from 0 to 1, `label` int32.
    public static var dataSet: ImageDataSet { dataSet(shape: [64]) }

    /// The 1,797 digits as a data set: `image` float32 of `shape`, (ink from 0 to 1 − mean) / deviation, `label` int32.
    /// - Parameter shape: of 64 elements; [1, 8, 8] for convolutions.
    public static func dataSet(
        shape: [Int], mean: Float = 0, deviation: Float = 1, file: StaticString = #fileID, line: UInt = #line
    ) -> ImageDataSet {
        guard checkedProduct(shape) == 64, deviation != 0 else {
            programError("Digits", "8×8 pixels are no \(shape), or have the deviation 0", file: file, line: line)
        }
        do {
            return try ImageDataSet(images: images, labels: labels, shape: shape, scale: 1 / Float(maximumPixel), mean: mean, deviation: deviation)
        } catch { fatalError("embedded \(error)") }
    }
}
