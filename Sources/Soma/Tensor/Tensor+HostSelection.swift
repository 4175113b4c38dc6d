import SomaGraph

// Elements chosen by their values: how many there are is known only once these are computed, so these functions read them.

extension Tensor {
    /// The positions of the elements other than 0 (or false), row-major: int64 [how many, rank]. NaN is one. Waits until the elements are computed.
    /// - Throws: `BackendError`.
    public func nonzero() throws -> Tensor {
        let places = try nonzeroPlaces()
        var positions = [Int64]()
        positions.reserveCapacity(places.count * rank)
        var steps = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) { steps[axis] = steps[axis + 1] * shape[axis + 1] }
        for place in places {
            for axis in 0..<rank { positions.append(Int64(place / steps[axis] % shape[axis])) }
        }
        return Tensor(positions, shape: [places.count, rank], device: device)
    }

    /// The elements where `mask` (`bool`, of this tensor's shape) holds, row-major: [how many]. Waits until the mask is computed; the gradient goes
    /// back to the elements.
    /// - Throws: `BackendError`.
    public func selected(where mask: Tensor, file: StaticString = #fileID, line: UInt = #line) throws -> Tensor {
        guard mask.dtype == .bool, mask.shape == shape else {
            programError("selected", "a mask \(mask.dtype) \(mask.shape) for \(shape)", file: file, line: line)
        }
        guard count <= Int(Int32.max) else { programError("selected", "\(count) elements; int32 counts them", file: file, line: line) }
        let places = try mask.nonzeroPlaces().map { Int32($0) }
        return reshaped(to: [count]).gathered(atIndices: Tensor(places, device: device))
    }

    private func nonzeroPlaces() throws -> [Int] {
        let flags = try self.as(.bool).scalars(as: Bool.self)
        return flags.indices.filter { flags[$0] }
    }
}
