import Soma

/// Digits of 28×28 pixels from 0 to 1, `image` float32 [1, 28, 28] and `label`: the files of a folder, or the embedded ones, enlarged.
struct DigitPictures {
    let training: any DataSet
    let heldOut: any DataSet
    /// What checkpoints say of them.
    let metadata: [String: String]

    /// - Throws: `SomaError` naming the file that is missing, broken, of another size, or another than the run's.
    init(_ context: RecipeContext, recipe: String) throws {
        guard context.data != nil else {
            metadata = try context.metadata(of: nil)
            (training, heldOut) = EnlargedDigits.parts
            return
        }
        let files = try DigitFiles(context, recipe: recipe, side: 28)
        (training, heldOut) = (try files.training(), try files.test())
        metadata = try context.metadata(of: files.source, isEither: true)
    }
}

/// The embedded digits, thrice as large, in the middle of 28×28 pixels.
struct EnlargedDigits: DataSet {
    let count = Digits.labels.count
    let fields = [Field("image", .float32, [1, side, side]), Field("label", .int32, [])]

    private static let side = 28
    private static let pictures: [[Float]] = (0..<Digits.labels.count).map { index in
        do {
            return enlarged(try Digits.images.withSample(index) { pixels in pixels.map { Float($0) / Float(Digits.maximumPixel) } })
        } catch { fatalError("embedded \(error)") }
    }
    private static let labels: [Int32] = (0..<Digits.labels.count).map { index in
        do { return try Digits.labels.withSample(index) { Int32($0[0]) } } catch { fatalError("embedded \(error)") }
    }

    /// Training digits and the held-out fifth, the same as of `DigitsRecipe`.
    static var parts: (training: Subset, heldOut: Subset) { EnlargedDigits().split(heldOut: 0.2, seed: 1797) }

    func read(_ indices: [Int], into batch: BatchMemory) {
        let labels = batch.values(of: "label", as: Int32.self)
        for (row, index) in indices.enumerated() {
            labels[row] = Self.labels[index]
            _ = batch.row(row, of: "image", as: Float.self).update(from: Self.pictures[index])
        }
    }

    /// Between the centres of pixels [8 · 8] linearly, and with a margin of 2.
    private static func enlarged(_ pixels: [Float]) -> [Float] {
        let (factor, margin, small) = (3, 2, 8)
        /// The two pixels beside a place, and the share of the second.
        func neighbours(_ place: Int) -> (Int, Int, Float) {
            let source = min(max((Float(place) + 0.5) / Float(factor) - 0.5, 0), Float(small - 1))
            let first = min(Int(source), small - 2)
            return (first, first + 1, source - Float(first))
        }
        var result = [Float](repeating: 0, count: side * side)
        for row in 0..<small * factor {
            let (top, bottom, down) = neighbours(row)
            for column in 0..<small * factor {
                let (left, right, along) = neighbours(column)
                let above = pixels[top * small + left] * (1 - along) + pixels[top * small + right] * along
                let below = pixels[bottom * small + left] * (1 - along) + pixels[bottom * small + right] * along
                result[(row + margin) * side + column + margin] = above * (1 - down) + below * down
            }
        }
        return result
    }
}

/// The samples of another data set, each with random numbers of its own in the field `noise`: [count].
struct WithNoise: DataSet {
    private let base: any DataSet
    private let noise: NoiseSource
    let fields: [Field]

    init(_ base: any DataSet, _ noise: NoiseSource) {
        (self.base, self.noise) = (base, noise)
        fields = base.fields + [Field("noise", .float32, [noise.count])]
    }

    var count: Int { base.count }
    var readingEffort: ReadingEffort { base.readingEffort }
    func takeRemarks() -> [String] { base.takeRemarks() }

    func read(_ indices: [Int], into batch: BatchMemory) throws {
        try base.read(indices, into: batch)
        for (row, index) in indices.enumerated() { noise.fill(batch.row(row, of: "noise", as: Float.self), index) }
    }
}

/// Digits as vectors of pixels from 0 to 1, `image` float32 [pixels] and `label`: the files of a folder, or the embedded ones.
struct FlatDigits {
    let training: any DataSet
    let heldOut: any DataSet
    let pixels: Int
    /// What checkpoints say of them.
    let metadata: [String: String]

    static let need = DataNeed.either(
        folder: "the four IDX files of MNIST, plain or gzip (soma data mnist fetches them)",
        embedded: "1,797 digits of 8×8 pixels, a fifth of them held out")

    /// - Throws: `SomaError` naming the file that is missing, broken, of other than 28×28 pixels, or another than the run's; `UsageError` where a
    ///   run would go on with other data.
    init(_ context: RecipeContext, recipe: String) throws {
        guard context.data != nil else {
            metadata = try context.metadata(of: nil)
            (training, heldOut) = DigitsRecipe.dataSets
            pixels = 64
            return
        }
        let files = try DigitFiles(context, recipe: recipe)
        guard files.rows == 28, files.columns == 28 else {
            throw SomaError("\(context.data ?? "") has pictures of \(files.rows)×\(files.columns), and \(recipe) takes 28×28")
        }
        (training, heldOut, pixels) = (try files.training(), try files.test(), 784)
        metadata = try context.metadata(of: files.source, isEither: true)
    }

    /// The first samples to train on, at most `count`.
    func first(_ count: Int) throws -> Minibatch { try Self.first(count, of: training) }

    /// Pixels [n, pixels] of the first samples that were held out, at most `count`.
    func shown(_ count: Int) throws -> Tensor { try Self.first(count, of: heldOut)["image"] }

    private static func first(_ count: Int, of dataSet: any DataSet) throws -> Minibatch {
        let loader = try BatchLoader(dataSet, batchSize: min(count, dataSet.count), seed: nil, epochs: 1)
        guard let batch = try loader.next() else { throw SomaError("there are no digits") }
        return try Minibatch(batch)
    }
}

extension RecipeContext {
    /// The context with what suits the few embedded digits where nobody has chosen: smaller batches and more epochs. On files it stays as it is.
    func fittedToFewDigits(batch: Setting<Int>, epochs: Int) -> RecipeContext {
        guard data == nil else { return self }
        var context = self
        if !context.settings.isChosen(batch) { context.settings.choose(batch, 32) }
        if context.chosenEpochs == nil { context.epochs = epochs }
        return context
    }
}

extension TestData {
    /// Digits as vectors of pixels, as a checkpoint of a recipe on `FlatDigits` takes them.
    /// - Parameter folder: nil for the embedded ones that were held out, which go with a checkpoint that was trained on the others.
    /// - Throws: `UsageError` where a folder is needed; `SomaError` naming what is missing or of another size.
    static func flatDigits(of checkpoint: Checkpoint, in folder: String?, isTrainedOn: Bool, _ recipe: String) throws -> TestData {
        func digits(_ folder: String, side: Int) throws -> TestData {
            try .digits(in: folder, of: checkpoint, isTrainedOn: isTrainedOn, rows: side, columns: side, shape: [side * side])
        }
        if DigitFiles.areNamed(in: checkpoint) { return try digits(DigitFiles.required(folder, recipe), side: 28) }
        return try folder.map { try digits($0, side: 8) } ?? .embeddedDigits
    }
}
