import SomaBackend
import SomaGraph

// Where a program compares a number with itself.
//
// An element and the maximum of its row may be one number, and `x .== x.max()` counts on it. Yet a step that needs an element in two walks
// computes it in each, and a compiler may round it differently beside other instructions. So what both sides of a comparison were selected
// from is computed once, and both read that memory.

extension Lowering {
    /// Materializes what both operands of a comparison were selected from, if one of them was by a reduction or an index.
    mutating func materializeCommonOrigins(_ a: StridedView, _ b: StridedView) {
        if a == b || !operations[a.base].dtype.isFloatingPoint { return }
        let (first, second) = (origins(a.base), origins(b.base))
        for (place, isMoved) in first {
            guard let isMovedToo = second[place], isMoved || isMovedToo else { continue }
            materialize(place)
        }
    }

    /// The computed operations whose values `place` may have, and for each whether the way to it leaves an element's own position.
    private func origins(_ place: Int) -> [Int: Bool] {
        var result: [Int: Bool] = [:]
        var pending = [(place: place, isMoved: false)]
        var seen: [Int: Bool] = [:]
        while let (place, isMoved) = pending.popLast() {
            if let known = seen[place], known || !isMoved { continue }
            seen[place] = isMoved
            let operation = operations[place]
            if let (selected, moves) = operation.selectedOperands {
                pending += selected.map { ($0.base, isMoved || moves) }
            } else if operation.isComputed {
                result[place] = isMoved
            }
        }
        return result
    }
}

extension Operation {
    /// The operands that the values are exact functions of, and whether elements of other positions are among them; `nil` where values are
    /// rounded.
    fileprivate var selectedOperands: (operands: ArraySlice<StridedView>, areMoved: Bool)? {
        switch kind {
        case .elementwise(.copy), .elementwise(.unary(.negate)), .elementwise(.unary(.abs)): (operands[...], false)
        case .elementwise(.binary(.maximum)), .elementwise(.binary(.minimum)): (operands[...], false)
        case .elementwise(.select): (operands[1...], false)
        case .reduce(.max, _), .reduce(.min, _), .assembly: (operands[...], true)
        case .gather, .dynamicSlice, .pooling(.max, isGradient: false, _, _): (operands[..<1], true)
        case .updateSlice: (operands[..<2], true)
        case .source, .scalar, .range, .random, .elementwise, .reduce, .matmul, .convolution, .pooling, .scatterAdd, .scan, .library, .result, .custom: nil
        }
    }
}
