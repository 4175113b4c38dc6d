import SomaGraph

extension Session {
    /// What modules of the network make of samples, in the order in which they come; nothing where there is no network. Nothing is computed yet.
    ///
    /// The module with the empty path is the network: it gives logits where classes are told, and the values of the answer otherwise.
    /// Traps where a sample has another number of values.
    /// - Parameter samples: `input.sampleShape` values each.
    public func taps(of samples: [[Float]], file: StaticString = #fileID, line: UInt = #line) -> [ModuleTap] {
        tapped(samples, "taps", file, line)?.taps ?? []
    }

    /// What the convolutions of the model make of a sample, in the order in which they come; nothing where there is no network.
    ///
    /// Traps where the sample has another number of values.
    /// - Parameter sample: its values.
    public func featureMaps(of sample: [Float], file: StaticString = #fileID, line: UInt = #line) -> [FeatureMaps] {
        (tapped([sample], "featureMaps", file, line)?.taps ?? []).compactMap(FeatureMaps.init)
    }

    /// Which values of a sample the answer has a gradient by: none of a model that is no network, nor of texts, and of a row the numbers and not the
    /// categories, which are indices as tokens are.
    public var differentiableValues: Range<Int> {
        guard case .network = model else { return 0..<0 }
        switch input {
        case .row(let preparation): return 0..<preparation.numberCount
        case .picture, .noise: return 0..<input.sampleShape.reduce(1, *)
        case .text: return 0..<0
        }
    }

    /// Whether the answer has a gradient by the input, or by a part of it.
    public var isDifferentiable: Bool { !differentiableValues.isEmpty }

    /// How a score changes with samples and with what modules make of them. Nothing is computed yet.
    ///
    /// Traps where a sample has another number of values.
    /// - Parameters:
    ///   - samples: `input.sampleShape` values each.
    ///   - paths: of the modules that are asked for.
    ///   - score: from the network's results [n, …] (logits where classes are told) to a number for each sample, or to one number.
    /// - Throws: `SomaError` where there is no network, or no module with such a path has told of itself.
    public func gradients(
        for samples: [[Float]], at paths: [String] = [], file: StaticString = #fileID, line: UInt = #line, of score: (Tensor) -> Tensor
    ) throws -> SessionGradients {
        guard let (input, taps) = tapped(samples, "gradients", file, line), let result = taps.last(where: { $0.path.isEmpty })?.output else {
            throw SomaError("a model that is no network has no gradients")
        }
        let chosen = try paths.map { path in
            if let tap = taps.last(where: { $0.path.isExactly(path) }) { return tap }
            let known = NearName.list(taps.map(\.path).filter { !$0.isEmpty })
            throw SomaError("the network has no module '\(path)' to look at", hint: "there are \(known)")
        }
        let slopes = withDevice(device) { withInference { gradient(of: score(result).sum(), withRespectTo: [input] + chosen.map(\.output)) } }
        let known = zip(chosen, slopes.dropFirst()).map { SessionGradients.Tap(path: $0.path, output: $0.output, gradient: $1) }
        return SessionGradients(samples: slopes[0], taps: known)
    }
}

/// How a score of a network's results changes with what it is made of.
public struct SessionGradients: Sendable {
    /// What a module made of samples, and how the score changes with it.
    public struct Tap: Sendable {
        /// The path to the module in the network.
        public let path: String
        /// What it gave, [n, …].
        public let output: Tensor
        /// The gradient of the score by the output, of its shape.
        public let gradient: Tensor
    }

    /// The gradient by the samples, [n] + `input.sampleShape`; beyond `differentiableValues` it means nothing.
    public let samples: Tensor
    /// What was asked for, in that order.
    public let taps: [Tap]
}
