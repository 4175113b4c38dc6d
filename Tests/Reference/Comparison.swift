import Soma
import SomaGraph

extension Value {
    /// What differs first between a device's elements and these, the reference's; `nil` if nothing does.
    ///
    /// Integers and bools must be equal. Real numbers may differ by 1e-5 + 1.3e-6·√terms·|x|, the tolerance of PyTorch's
    /// `assert_close` grown with the number of terms; NaN and infinities must be the same.
    public func firstDifference(from actual: [Double], terms: Int = 1) -> String? {
        guard actual.count == elements.count else { return "\(actual.count) elements instead of \(elements.count)" }
        for (place, (want, got)) in zip(elements, actual).enumerated() where !agrees(got, want, terms) {
            return "at \(shape.position(place)) of \(dtype) \(shape): \(got) instead of \(want)"
        }
        return nil
    }

    private func agrees(_ got: Double, _ want: Double, _ terms: Int) -> Bool {
        guard dtype.isFloatingPoint else { return got == want }
        let want = Double(Float(want))
        if want.isNaN || got.isNaN { return want.isNaN && got.isNaN }
        if want.isInfinite || got.isInfinite { return want == got }
        return abs(got - want) <= 1e-5 + 1.3e-6 * Double(terms).squareRoot() * abs(want)
    }
}

extension Tensor {
    /// A tensor on a device with the elements of `value`.
    public init(_ value: Value, device: Device) {
        func elements<Element: TensorScalar>(_ convert: (Double) -> Element) -> Tensor {
            Tensor(value.elements.map(convert), shape: value.shape, device: device)
        }
        switch value.dtype {
        case .float32: self = elements { Float($0) }
        case .int32: self = elements { Int32($0) }
        case .uint32: self = elements { UInt32($0) }
        case .int64: self = elements { Int64($0) }
        case .uint8: self = elements { UInt8($0) }
        case .bool: self = elements { $0 != 0 }
        }
    }

    /// The elements, computed on the device.
    public func doubles() throws -> [Double] {
        switch dtype {
        case .float32: try scalars(as: Float.self).map(Double.init)
        case .int32: try scalars(as: Int32.self).map(Double.init)
        case .uint32: try scalars(as: UInt32.self).map(Double.init)
        case .int64: try scalars(as: Int64.self).map(Double.init)
        case .uint8: try scalars(as: UInt8.self).map(Double.init)
        case .bool: try scalars(as: Bool.self).map { $0 ? 1 : 0 }
        }
    }
}

extension OperationCase {
    /// What differs first between a device and the reference in the result and its gradients; `nil` if nothing does.
    public func firstDifference(on device: Device) throws -> String? {
        let tensors = inputs.map { Tensor($0, device: device) }
        let results = withDevice(device) { self.results(tensors) }
        let leaves = zip(tensors, inputs).map { (ObjectIdentifier($0.node), $1) }
        // First the reference: a device may release the graph that it has computed.
        let expected = Interpreter(leaves: Dictionary(leaves) { first, _ in first }).evaluate(results)
        if let answer, let difference = Value(answer, shape: expected[0].shape, dtype: expected[0].dtype).firstDifference(from: expected[0].elements) {
            return "the reference, \(difference)"
        }
        try realizeAll(results)
        for (index, (result, value)) in zip(results, expected).enumerated() {
            let elements = try result.doubles()
            if index == 0, let exactAnswer, elements != exactAnswer { return "\(elements) instead of \(exactAnswer) to the bit" }
            guard let difference = value.firstDifference(from: elements, terms: termCount) else { continue }
            return index == 0 ? difference : "gradient \(index - 1): \(difference)"
        }
        return nil
    }
}
