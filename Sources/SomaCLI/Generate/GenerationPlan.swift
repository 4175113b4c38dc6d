import Soma
import SomaZoo

/// Which random numbers pictures are made of, and in how many columns a sheet shows them.
struct GenerationPlan {
    /// How the numbers come about.
    enum Kind {
        /// So many samples as they are drawn.
        case drawn(Int)
        /// So many walks of as many steps, each from a sample to the next.
        case walks(Int, steps: Int)
        /// Samples, and behind them their mean.
        case mix([Int])
    }

    let kind: Kind
    /// The random numbers of samples.
    let noise: NoiseSource

    /// The pictures of the sheet.
    /// - Throws: `UsageError` where they cannot be counted.
    var count: Int {
        get throws {
            switch kind {
            case .drawn(let count): return count
            case .mix(let samples): return samples.count + 1
            case .walks(let count, let steps):
                let (product, isTooLarge) = count.multipliedReportingOverflow(by: steps)
                if isTooLarge { throw UsageError("--count \(count) walks of --walk \(steps) steps are too many") }
                return product
            }
        }
    }

    /// The columns of the sheet; nil: as many as make it nearly a square.
    var columns: Int? {
        switch kind {
        case .drawn: nil
        case .walks(_, let steps): steps
        case .mix(let samples): samples.count + 1
        }
    }

    /// The random numbers of a picture of the sheet, from 0.
    /// - Throws: `UsageError` where samples have no mean.
    func numbers(_ index: Int) throws -> [Float] {
        switch kind {
        case .drawn: return noise.values(index)
        case .walks(_, let steps):
            let (walk, step) = (index / steps, index % steps)
            return NoiseSource.between(noise.values(walk), noise.values(walk + 1), share: Double(step) / Double(steps - 1))
        case .mix(let samples):
            if index < samples.count { return noise.values(samples[index]) }
            if let mean = NoiseSource.mean(of: samples.map(noise.values)) { return mean }
            throw UsageError("--mix \(Self.text(samples)): their random numbers point in opposite directions and have no mean")
        }
    }

    /// What is made, as a line tells it.
    func title(_ count: Int) -> String {
        switch kind {
        case .drawn: Quantity.counted(count, "picture")
        case .walks(let walks, let steps): "\(Quantity.counted(walks, "walk")) of \(steps) pictures"
        case .mix(let samples): "samples \(Self.text(samples)) and their mean"
        }
    }

    /// What JSON says of the kind.
    var members: [JSON.Member] {
        switch kind {
        case .drawn: []
        case .walks(let walks, let steps): [.init("walks", JSON(walks)), .init("steps", JSON(steps))]
        case .mix(let samples): [.init("mix", .array(samples.map { JSON($0) }))]
        }
    }

    static func text(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }
}

extension GenerationPlan {
    /// How many samples are drawn unless told otherwise.
    private static let usualCount = 64

    /// - Parameters:
    ///   - count: the samples that are drawn, or the walks; nil for the usual ones.
    ///   - walk: the steps of a walk, of which there are two at least.
    ///   - mix: numbers of samples that are drawn.
    /// - Throws: `UsageError` where these do not go together.
    init(count: Int?, walk: Int?, mix: [Int], noise: NoiseSource) throws {
        self.noise = noise
        if let walk {
            guard mix.isEmpty else { throw UsageError("--walk and --mix are two ways to make numbers of others: leave out one") }
            guard walk >= 2 else { throw UsageError("--walk \(walk): a walk goes from one picture to another and has 2 or more") }
            kind = .walks(count ?? 1, steps: walk)
        } else if mix.isEmpty {
            kind = .drawn(count ?? Self.usualCount)
        } else {
            guard mix.count >= 2 else { throw UsageError("--mix \(Self.text(mix)): one picture has nothing to be mixed with") }
            try Self.check(mix, of: count ?? Self.usualCount, "--mix")
            kind = .mix(mix)
        }
    }

    /// - Throws: `UsageError` naming a number that there is none of.
    static func check(_ numbers: [Int], of count: Int, _ option: String) throws {
        if let missing = numbers.first(where: { !(0..<count).contains($0) }) {
            let all = "\(Quantity.counted(count, "picture")); the last is \(count - 1)"
            throw UsageError("\(option) \(text(numbers)): there is no picture \(missing) among \(all)")
        }
    }
}
