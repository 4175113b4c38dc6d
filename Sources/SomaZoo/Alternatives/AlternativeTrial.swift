import Soma
import SomaEstimators

/// One model, trained on a share of the samples and tested.
struct AlternativeTrial: Hashable, Sendable {
    /// Which model on what.
    struct Unit: Hashable, Sendable {
        let problem: String
        let model: AlternativeModel
        let share: Double

        /// As figures and checkpoints call it: `digits_svm_0.1`.
        var key: String { "\(problem)_\(model.rawValue)_\(share.settingText)" }
        var title: String { "\(problem), \(model.rawValue), \(Self.percent(share)) %" }

        /// A share in hundredths, with the digits that it needs.
        static func percent(_ share: Double) -> String { Quantity.significant(100 * share, 4).trimmingZeros }
    }

    let unit: Unit
    /// Samples that were trained on.
    let samples: Int
    /// Accuracy, or R², on the samples that were held out.
    let quality: Double
    /// What training took, in seconds.
    let trainingSeconds: Double
    /// What telling all samples that were held out took, in seconds.
    let predictionSeconds: Double
    /// Bytes of the trained model.
    let modelBytes: Int
    /// The most bytes in use while it was trained, beyond those before; nil where the system does not tell.
    let peakBytes: Int?

    /// The numbers, as checkpoints keep them.
    var values: [Double] {
        [Double(samples), quality, trainingSeconds, predictionSeconds, Double(modelBytes), peakBytes.map { Double($0) } ?? -1]
    }

    static let valueCount = 6

    /// What a checkpoint has kept; nil where it is no trial.
    init?(_ unit: Unit, values: [Double]) {
        guard values.count == Self.valueCount else { return nil }
        guard let samples = Int(exactly: values[0]), let bytes = Int(exactly: values[4]), let peak = Int(exactly: values[5]) else { return nil }
        self.init(unit, samples: samples, quality: values[1], seconds: (values[2], values[3]), modelBytes: bytes, peakBytes: peak < 0 ? nil : peak)
    }

    init(_ unit: Unit, samples: Int, quality: Double, seconds: (training: Double, prediction: Double), modelBytes: Int, peakBytes: Int?) {
        (self.unit, self.samples, self.quality, self.modelBytes, self.peakBytes) = (unit, samples, quality, modelBytes, peakBytes)
        (trainingSeconds, predictionSeconds) = seconds
    }
}

/// Seconds that `body` takes.
func timed<Result>(_ body: () throws -> Result) rethrows -> (result: Result, seconds: Double) {
    let clock = ContinuousClock.now
    let result = try body()
    return (result, (.now - clock) / .seconds(1))
}

extension String {
    /// Without zeros at the end of a fraction.
    fileprivate var trimmingZeros: String {
        guard contains("."), !contains("e") else { return self }
        let digits = reversed().drop { $0 == "0" }.drop { $0 == "." }
        return String(digits.reversed())
    }
}
