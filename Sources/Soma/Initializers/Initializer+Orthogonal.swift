import SomaGraph

extension Initializer {
    /// `gain` times a matrix with orthonormal rows, or columns where there are fewer of them, uniform among all such;
    /// axes after the first count as columns. Signals keep their length exactly in a deep linear network.
    ///
    /// A. Saxe, J. McClelland, S. Ganguli, *Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural
    /// Networks*, ICLR 2014.
    public static func orthogonal(gain: Double = 1) -> Initializer {
        Initializer { elements, shape, _, generator in
            guard shape.rank >= 2 else { programError("orthogonal", "\(shape) is no matrix") }
            if shape.count == 0 { return }
            let (rows, columns) = (shape[0], shape.count / shape[0])
            var sequence = generator.hostSequence()
            sequence.fillNormal(elements)
            // The short side counts the vectors, the long one their length.
            let (count, length) = (min(rows, columns), max(rows, columns))
            var vectors = (0..<count * length).map { place in
                let (vector, position) = place.quotientAndRemainder(dividingBy: length)
                return Double(elements[rows <= columns ? place : position * columns + vector])
            }
            vectors.withUnsafeMutableBufferPointer { orthonormalize($0, count: count, length: length) }
            for (place, value) in vectors.enumerated() {
                let (vector, position) = place.quotientAndRemainder(dividingBy: length)
                elements[rows <= columns ? place : position * columns + vector] = Float(gain * value)
            }
        }
    }
}

/// Gram–Schmidt over vectors that lie one behind the other, each done twice: once leaves the rounding errors of a near
/// cancellation.
private func orthonormalize(_ vectors: UnsafeMutableBufferPointer<Double>, count: Int, length: Int) {
    for vector in 0..<count {
        let own = vector * length
        for _ in 0..<2 {
            for other in 0..<vector {
                var product = 0.0
                for i in 0..<length { product += vectors[own + i] * vectors[other * length + i] }
                for i in 0..<length { vectors[own + i] -= product * vectors[other * length + i] }
            }
        }
        var square = 0.0
        for i in 0..<length { square += vectors[own + i] * vectors[own + i] }
        let scale = 1 / square.squareRoot()
        for i in 0..<length { vectors[own + i] *= scale }
    }
}
