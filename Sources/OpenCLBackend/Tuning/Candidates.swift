import SomaBackend
import SomaGraph

/// What a step is to those who choose how to compute it.
enum TuningSubject {
    case matmul(MatmulStep)
    case convolution(ConvolutionStep)
    case reduction(LoopNest)
    case map(LoopNest)

    var stepClass: StepClass {
        switch self {
        case .matmul(let step): StepClass(step)
        case .convolution(let step): StepClass(step)
        case .reduction(let nest): StepClass(reduction: nest)
        case .map(let nest): StepClass(map: nest)
        }
    }
}

extension StepPlanner {
    /// `nil` for steps of which there is one way to compute them.
    func subject(of step: Step) -> TuningSubject? {
        switch step {
        case .map(let nest): .map(nest.padded)
        case .reduce(let nest), .row(let nest): .reduction(nest.padded)
        case .matmul(let step): isReduction(step) ? .reduction(step.asReduction.padded) : .matmul(step)
        case .convolution(let step):
            if step.order != .channelsFirst || !step.hasIntCounts || step.asMatmul == nil && isDepthwise(step) {
                nil
            } else {
                step.asMatmul.flatMap { subject(of: .matmul($0)) } ?? .convolution(step)
            }
        case .pooling, .gather, .scatterAdd, .blockCopy, .attention, .recurrence, .scan, .custom: nil
        }
    }

    /// Ways to compute a step: first the one that ships, then those whose numbers are nearest to its.
    func candidates(for step: Step) -> [StepChoice] {
        guard let subject = subject(of: step) else { return [] }
        var untuned = self
        untuned.tuning = Tuning()
        let shipped = untuned.choice(for: subject)
        var seen: Set = [shipped]
        let others = untuned.space(of: subject, around: shipped).filter { $0.fits(traits) && seen.insert($0).inserted }
        let distances = others.map { ($0.distance(to: shipped), "\($0)") }
        return [shipped] + others.indices.sorted { distances[$0] < distances[$1] }.map { others[$0] }
    }

    /// As measured, if that was done and fits the device; else as shipped.
    /// - Parameter allowsLibrary: whether there is a library that takes the step, where one was chosen.
    func choice(for subject: TuningSubject, allowsLibrary: Bool = true) -> StepChoice {
        switch subject {
        case .matmul(let step):
            if case .clblast = choice(for: step), !allowsLibrary { .tile(shipped.tile(for: step, traits)) } else { choice(for: step) }
        case .convolution(let step): takesWinograd(step) ? .winograd : .tile(tile(for: step, ImplicitProduct(step)))
        case .reduction(let nest): .reduction(shape(of: nest))
        case .map(let nest): .map(chosenShape(map: nest) ?? maps.shape(for: mapItems(nest), traits))
        }
    }

    private func shape(of nest: LoopNest) -> ReduceShape {
        if traits.isCPU {
            let geometry = CPUReduceGeometry(nest, self)
            return ReduceShape(lanes: geometry.lanes, places: geometry.places, segments: geometry.segments)
        }
        let geometry = ReduceGeometry(nest, self)
        return ReduceShape(lanes: geometry.lanes, places: geometry.places, segments: geometry.segments)
    }

    private func space(of subject: TuningSubject, around shipped: StepChoice) -> [StepChoice] {
        switch subject {
        case .matmul(let step):
            // A library that wants seconds to compile on a processor is left out there.
            let library = traits.isCPU || step.plainTarget == nil ? [] : [StepChoice.clblast]
            return tiles(m: step.m, n: step.n, k: step.k, around: shipped).map { .tile($0) } + library
        case .convolution(let step):
            let product = ImplicitProduct(step)
            let tile = tile(for: step, product)
            let all = tiles(m: product.m, n: product.columns.count, k: product.depth.count, around: .tile(tile), isConvolution: true)
            return ([tile] + all).map { .tile($0) } + (canTakeWinograd(step) ? [.winograd] : [])
        case .reduction(let nest): return reductions(nest, around: shipped).map { .reduction($0) }
        case .map(let nest): return mapShapes(nest).map { .map($0) }
        }
    }

    // MARK: Tiles

    private func tiles(m: Int, n: Int, k: Int, around shipped: StepChoice, isConvolution: Bool = false) -> [MatmulTile] {
        if traits.isCPU { return tilesOnCPU(m: m, isConvolution: isConvolution) }
        var segments = [1]
        if case .tile(let tile) = shipped, k >= 512 { segments = [1, tile.segments / 2, tile.segments, tile.segments * 2].filter { $0 >= 1 } }
        let sizes = [32, 64, 96, 128, 256], shares = [4, 8]
        return sizes.filter { $0 < 2 * max(m, 32) }.flatMap { tileM in
            sizes.filter { $0 < 2 * max(n, 32) }.flatMap { tileN in
                [8, 16, 32].flatMap { tileK in
                    shares.flatMap { threadM in
                        shares.flatMap { threadN in
                            segments.map {
                                MatmulTile(m: tileM, n: tileN, k: tileK, threadM: threadM, threadN: threadN, segments: $0)
                            }
                        }
                    }
                }
            }
        }.filter { (32...1024).contains($0.items) && (!isConvolution || $0.isForConvolution) }
    }

    /// Rows that a work-item takes one panel after the other, no more than there are, and what it packs at once.
    private func tilesOnCPU(m: Int, isConvolution: Bool) -> [MatmulTile] {
        let rows = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 128, 192, 256].filter { $0 < m + 8 }
        let depths = isConvolution ? [16, 24, 32, 48, 64, 96, 128, 192, 256, 384] : [32, 64, 128, 256, 512, 1024]
        return rows.flatMap { m in depths.map { MatmulTile(m: m, n: 32, k: $0, threadM: 8, threadN: 32) } }
    }

    // MARK: Reductions and maps

    private func reductions(_ nest: LoopNest, around shipped: StepChoice) -> [ReduceShape] {
        guard case .reduction(let shape) = shipped else { return [] }
        let segments = Set([1, shape.segments / 4, shape.segments / 2, shape.segments, shape.segments * 2, shape.segments * 4].filter { $0 >= 1 })
        let isAlong = BodyStages(nest).stages.count > 1 || !nest.isAcross
        var shapes: [(lanes: Int, places: Int)] = []
        if traits.isCPU {
            let places = isAlong ? [shape.places / 4, shape.places / 2, shape.places, shape.places * 2] : [16, 32, 64, 128, 256, 512]
            shapes = (isAlong ? [8, 16, 32, 64, 128] : [shape.lanes]).flatMap { lanes in places.filter { $0 > 0 }.map { (lanes, $0) } }
        } else {
            let lanes = isAlong ? [1, 8, 16, 32, 64, 128, 256, 512] : [2, 4, 8, 16, 32]
            shapes = lanes.flatMap { lanes in [64, 128, 256, 512, 1024].filter { $0 >= lanes }.map { (lanes, $0 / lanes) } }
        }
        return shapes.flatMap { shape in segments.map { ReduceShape(lanes: shape.lanes, places: shape.places, segments: $0) } }
    }

    private func mapShapes(_ nest: LoopNest) -> [MapShape] {
        let items = mapItems(nest)
        if traits.isCPU { return (8...22).map { 1 << $0 }.filter { $0 < 2 * items }.map { MapShape(group: 1, share: $0) } }
        return [32, 64, 128, 256, 512, 1024].flatMap { group in
            [1, 2, 4, 8, 16].filter { $0 * group < 2 * items }.map { MapShape(group: group, share: $0) }
        }
    }
}

extension MatmulTile {
    /// Whether convolution.cl can be built with these: it carries whole columns and depths, a work-item's own all of one kind.
    fileprivate var isForConvolution: Bool {
        items % k == 0 && m % (items / k) == 0 && m / (items / k) % 4 == 0 && items % n == 0 && k % (items / n) == 0 && n % (items / k) == 0
    }
}

extension StepChoice {
    /// How far numbers are apart, in factors of two; words are as far as a factor of four.
    fileprivate func distance(to other: StepChoice) -> Int {
        switch (numbers, other.numbers) {
        case (let a?, let b?) where a.count == b.count: zip(a, b).reduce(0) { $0 + abs(Self.bits($1.0) - Self.bits($1.1)) }
        default: 2
        }
    }

    private static func bits(_ number: Int) -> Int { Int.bitWidth - number.leadingZeroBitCount }

    private var numbers: [Int]? {
        switch self {
        case .tile(let tile): [tile.m, tile.n, tile.k, tile.threadM, tile.threadN, tile.segments]
        case .reduction(let shape): [shape.lanes, shape.places, shape.segments]
        case .map(let shape): [shape.group, shape.share]
        case .clblast, .winograd: nil
        }
    }
}
