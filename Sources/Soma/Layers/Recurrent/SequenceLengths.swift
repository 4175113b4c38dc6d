import SomaGraph

/// The lengths of the sequences of a batch, int32 [N]. One that is not in 1 ... T counts as T and makes the states of its sequence NaN.
struct SequenceLengths {
    let values: Tensor
    /// Which are in 1 ... T: bool [N, 1].
    private let areSound: Tensor

    /// Traps where there is not one whole number for each sequence, or where the host still has the numbers and one is out of range.
    init(_ lengths: Tensor, batch: Int, steps: Int, _ operation: String) {
        guard lengths.shape == [batch], lengths.dtype.isInteger else {
            programError(operation, "lengths \(lengths.dtype) \(lengths.shape) are not int32 [\(batch)]")
        }
        for (index, length) in (lengths.integersOfHost ?? []).enumerated() where !(1...steps).contains(length) {
            programError(operation, "sequence \(index) has a length of \(length), which is not in 1 ... \(steps)")
        }
        let indices = lengths.asIndices(operation, #fileID, #line)
        let areSound = (indices .>= 1) .&& (indices .<= steps)
        values = .select(areSound, indices, steps)
        self.areSound = areSound.expandingDims(at: 1)
    }

    /// `state` [N, H], NaN where the length is out of range.
    func marking(_ state: Tensor) -> Tensor { .select(areSound, state, .nan) }
}

extension Tensor {
    /// The elements of integers that no device has yet.
    var integersOfHost: [Int]? {
        guard let bytes = (node.elements as? HostArray)?.bytes, bytes.count == count * dtype.byteCount else { return nil }
        return bytes.withUnsafeBytes { bytes in
            switch dtype {
            case .int32: bytes.bindMemory(to: Int32.self).map { Int($0) }
            case .int64: bytes.bindMemory(to: Int64.self).map { Int($0) }
            case .uint32: bytes.bindMemory(to: UInt32.self).map { Int($0) }
            case .uint8: bytes.map { Int($0) }
            case .float32, .bool: nil
            }
        }
    }
}
