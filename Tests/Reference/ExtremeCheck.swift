import Soma

/// A selection among computed numbers, of which each chosen one passes its gradient on, whatever was read, stored or computed before.
public struct ExtremeCheck: Sendable, CustomStringConvertible {
    public let description: String
    private let numbers: @Sendable (Tensor) -> Tensor
    private let selection: @Sendable (Tensor) -> Tensor

    private init(_ description: String, of numbers: @escaping @Sendable (Tensor) -> Tensor, _ selection: @escaping @Sendable (Tensor) -> Tensor) {
        (self.description, self.numbers, self.selection) = (description, numbers, selection)
    }

    public static let all: [ExtremeCheck] = [
        ExtremeCheck("greatest of sums", of: { $0.sum(alongAxes: 0) }) { $0.max(alongAxes: 1, keepingDims: true) },
        ExtremeCheck("greatest of sums of columns", of: { $0.sum(alongAxes: 2) }) { $0.max(alongAxes: 0) },
        ExtremeCheck("greatest of all sums", of: { $0.sum(alongAxes: 0) }) { $0.max() },
        ExtremeCheck("least of mean squares", of: { square($0).mean(alongAxes: 0) }) { $0.min(alongAxes: 0) },
        ExtremeCheck("greatest sine", of: { sin($0) }) { $0.max(alongAxes: 1, 2) },
        ExtremeCheck("greatest of a row beside its other uses", of: { $0.mean(alongAxes: 0) * 3 + 0.1 }) { $0.max(alongAxes: 1) },
        ExtremeCheck("where a number equals the greatest", of: { exp($0 * 0.7) }) { x in
            x.replacing(with: 0, where: x .!= x.max(alongAxes: 1, keepingDims: true)).sum(alongAxes: 1)
        },
        ExtremeCheck("where a number is not below the greatest", of: { $0.mean(alongAxes: 0) }) { x in
            x.replacing(with: 0, where: x .< x.max(alongAxes: 1, keepingDims: true)).sum(alongAxes: 1)
        },
        ExtremeCheck("greatest of a window", of: { ($0 * 1.7 + 0.3).reshaped(to: [2, 2, 720]) }) {
            $0.maxPooled(PoolingWindow(size: [7]))
        },
    ]

    /// The sum of the slopes of the selected numbers for a seed of ones, and what it is to be: one for each selected number.
    /// - Parameters:
    ///   - elements: 2,880 numbers.
    ///   - readsFirst: whether the selected numbers are computed before their gradient.
    public func slopes(_ elements: [Float], on device: Device, readsFirst: Bool) throws -> (sum: Double, wanted: Double) {
        let numbers = numbers(Tensor(elements, shape: [4, 360, 2], device: device))
        let selected = selection(numbers)
        let slope = gradient(of: selected, withRespectTo: numbers, seed: .ones(like: selected))
        if readsFirst { try selected.realize() }
        return (try slope.doubles().reduce(0, +), Double(selected.count))
    }
}
