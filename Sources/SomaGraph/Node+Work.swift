extension Node {
    /// The multiplications, each with the addition that takes its product, of a matrix product or a convolution by their definition; 0 for all
    /// other nodes. Half of what the step that computes it has as `productOperations`.
    ///
    /// A convolution of any pass has N · K · C / groups of them for each tap and each place of its result. Its composition, which it carries as its
    /// first input, says the same in another way and must not be counted besides.
    public var multiplyAdds: Double {
        switch primitive {
        case .matmul: product(shape.dimensions + inputs[0].shape.dimensions.suffix(1))
        case .library(.convolution(.forward, _, _)): product(shape.dimensions + inputs[2].shape.dimensions.dropFirst())
        case .library(.convolution(.inputGradient, _, _)): product(inputs[1].shape.dimensions + inputs[2].shape.dimensions.dropFirst())
        case .library(.convolution(.filterGradient, _, _)): product(inputs[2].shape.dimensions + shape.dimensions.dropFirst())
        case .scan(let body): Double(body.count) * body.lines.reduce(0) { $1.source == nil ? $0 + $1.node.multiplyAdds : $0 }
        default: 0
        }
    }

    private func product(_ extents: [Int]) -> Double { extents.reduce(1) { $0 * Double($1) } }
}
