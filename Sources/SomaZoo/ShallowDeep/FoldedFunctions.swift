import Soma

/// A function that folds its input: layers in a row need few units for it, and a single layer needs many.
enum FoldedFunction: String, SettingChoice {
    /// Whether a saw-tooth of `folds` folds on 0 ... 1 is in its upper half.
    case sawtooth
    /// Whether an odd number of bits is 1.
    case parity

    var title: String { self == .sawtooth ? "saw-tooth" : "parity" }
}

/// Points of 0 ... 1 and whether the saw-tooth with 2^folds slopes is above 1/2 there: fields `image` [1] and `label`.
///
/// M. Telgarsky, *Benefits of Depth in Neural Networks*, COLT 2016: a network of `folds` layers of two rectifiers is this saw-tooth, and one layer
/// needs a unit for each slope.
struct SawTooth: DataSet {
    let folds: Int
    let points: [Float]
    let fields = [Field("image", .float32, [1]), Field("label", .int32, [])]

    var count: Int { points.count }

    /// As many points as `count`, in the middles of equal parts of 0 ... 1.
    init(folds: Int, grid count: Int) { (self.folds, points) = (folds, (0..<count).map { (Float($0) + 0.5) / Float(count) }) }

    /// As many points as `count`, drawn by a seed.
    init(folds: Int, count: Int, seed: UInt64) {
        var numbers = Philox(seed: seed)
        (self.folds, points) = (folds, (0..<count).map { _ in Float.random(in: 0..<1, using: &numbers) })
    }

    /// The saw-tooth: 0 at 0, and up and down by slopes of 2^folds.
    static func value(_ x: Float, folds: Int) -> Float { (0..<folds).reduce(x) { y, _ in y < 0.5 ? 2 * y : 2 - 2 * y } }

    func read(_ indices: [Int], into batch: BatchMemory) {
        let (inputs, labels) = (batch.values(of: "image", as: Float.self), batch.values(of: "label", as: Int32.self))
        for (row, index) in indices.enumerated() {
            // From −1 to 1, so that first weights suit it.
            inputs[row] = 2 * points[index] - 1
            labels[row] = Self.value(points[index], folds: folds) > 0.5 ? 1 : 0
        }
    }
}

/// All patterns of `bits` bits, as −1 and 1, and whether an odd number of them is 1: fields `image` [bits] and `label`.
struct Parity: DataSet {
    let bits: Int
    let fields: [Field]

    init(bits: Int) { (self.bits, fields) = (bits, [Field("image", .float32, [bits]), Field("label", .int32, [])]) }

    var count: Int { 1 << bits }

    func read(_ indices: [Int], into batch: BatchMemory) {
        let labels = batch.values(of: "label", as: Int32.self)
        for (row, index) in indices.enumerated() {
            let inputs = batch.row(row, of: "image", as: Float.self)
            for bit in 0..<bits { inputs[bit] = index >> bit & 1 == 1 ? 1 : -1 }
            labels[row] = Int32(index.nonzeroBitCount & 1)
        }
    }
}
