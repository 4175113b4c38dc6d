import SomaBackend

/// Choices of how to compute classes of steps, found by measuring on one device.
public struct Tuning: Hashable, Sendable {
    private(set) var choices: [StepClass: StepChoice] = [:]

    /// No choices: everything is computed as ships.
    public init() {}

    /// The choice for the class of a product; `nil` where none was measured.
    public subscript(step: MatmulStep) -> StepChoice? {
        get { choices[StepClass(step)] }
        set { choices[StepClass(step)] = newValue }
    }

    subscript(class: StepClass) -> StepChoice? {
        get { choices[`class`] }
        set { choices[`class`] = newValue }
    }

    /// Whether there is no choice at all.
    public var isEmpty: Bool { choices.isEmpty }

    /// Classes and choices as text, which `init(_:for:)` reads.
    var texts: [String: String] { Dictionary(uniqueKeysWithValues: choices.map { ("\($0.key)", "\($0.value)") }) }

    /// Adds `KIND EXTENTS… FORM CHOICE`.
    /// - Throws: for what is not understood, does not fit the device, or was chosen before.
    mutating func add(_ line: String, for traits: DeviceTraits) throws(WholeFile.Failure) {
        let words = line.split(separator: " ").map(String.init)
        guard let last = words.last, let stepClass = StepClass(words.dropLast().joined(separator: " ")),
            let choice = StepChoice(last, for: stepClass.kind)
        else { throw WholeFile.Failure(reason: "not understood: \(line.prefix(80))") }
        guard choice.fits(traits) else { throw WholeFile.Failure(reason: "this device cannot run \(choice)") }
        guard choices.updateValue(choice, forKey: stepClass) == nil else { throw WholeFile.Failure(reason: "chosen twice: \(line)") }
    }
}

extension StepPlanner {
    /// How a product is computed: as measured, if that was done and fits the device; else as shipped.
    func choice(for step: MatmulStep) -> StepChoice {
        switch tuning[step] {
        case .tile(let tile) where tile.fits(traits): .tile(tile)
        case .clblast: .clblast
        default: .tile(shipped.tile(for: step, traits))
        }
    }

    /// Whether CLBlast may compute a product: where that was measured, bindings are aligned, and the kernels that it was measured against have not
    /// been found wrong, since what a compiler does to those it may do to CLBlast's.
    func allowsLibrary(for step: MatmulStep) -> Bool {
        guard tuning[step] == .clblast, allowsVectors else { return false }
        return family(of: .matmul(step)).flatMap { ways[$0] } ?? .own == .own
    }

    /// The tile for a convolution as a product: as measured, if that was done and fits the device; else as shipped.
    func tile(for step: ConvolutionStep, _ product: ImplicitProduct) -> MatmulTile {
        if case .tile(let tile) = tuning[StepClass(step)], tile.fits(traits, isConvolution: true) { return tile }
        return convolutionTiles.tile(
            batch: product.batch, m: product.m, n: product.columns.count, k: product.depth.count, isConvolution: true, traits)
    }

    /// How a reduction is spread, where that was measured and fits the device.
    func chosenShape(reduction nest: LoopNest) -> ReduceShape? {
        guard case .reduction(let shape) = tuning[StepClass(reduction: nest)], shape.fits(traits) else { return nil }
        return traits.isCPU || shape.lanes * shape.places * nest.partialBytes <= traits.localMemoryBytes ? shape : nil
    }

    /// How a map is spread, where that was measured and fits the device.
    func chosenShape(map nest: LoopNest) -> MapShape? {
        if case .map(let shape) = tuning[StepClass(map: nest)], shape.fits(traits) { return shape }
        return nil
    }
}
