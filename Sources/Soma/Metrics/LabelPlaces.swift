import SomaGraph

/// The place of the right class of each sample when its classes are put in order: by falling logits, equal ones by their number, NaN first.
struct LabelPlaces {
    /// How many classes go before the right one: int32 [n].
    private let place: Tensor
    /// Whether the right class is one, and its logit a number.
    private let isTold: Tensor

    /// - Parameters:
    ///   - logits: [n, classes].
    ///   - labels: [n], of an integer dtype.
    init(_ logits: Tensor, _ labels: Tensor) {
        // An int64 beyond int32 must not become another class.
        let label = (labels.dtype == .int64 ? labels : labels.as(.int32)).expandingDims(at: -1)
        let number = Tensor.range(logits.shape[logits.rank - 1], dtype: label.dtype, device: logits.device)
        let isOwn = (number .== label) .&& .!logits.isNaN
        // A maximum picks the number itself, so that it equals the classes' of its like.
        let own = Tensor.select(isOwn, logits, logits.operand(-.infinity, "classification")).max(alongAxes: -1, keepingDims: true)
        let goesBefore = (logits .> own) .|| ((logits .== own) .&& (number .< label)) .|| logits.isNaN
        place = goesBefore.sum(alongAxes: -1)
        isTold = isOwn.any(alongAxes: -1)
    }

    /// Whether the right class is among the first `count`.
    func isAmong(_ count: Int) -> Tensor { isTold .&& (place .< Double(count)) }
}
