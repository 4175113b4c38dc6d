import SomaBackend
import SomaGraph

extension GraphExplanation {
    /// How an operation sees one of its operands.
    public struct Read: Sendable {
        /// The number of the value that is seen.
        public let value: Int
        /// The shape that the operation sees, which may differ from the value's.
        public let shape: Shape
        /// Elements from one position to the next along each axis; 0 where all positions along it see the same element.
        public let strides: [Int]
        /// The element that is seen at the first position; of slices as they began in the run that was explained.
        public let offset: Int
        /// What the elements are called, where they are part of a source with names.
        public let name: String?
        private let base: Shape

        init(_ view: StridedView, of base: Operation, starts: [Int], _ names: [SourceName]) {
            (value, shape, strides, self.base) = (view.base, view.shape, view.strides, base.shape)
            let offset = view.starts.reduce(0) { $0 + starts[$1.start] * $1.coefficient }
            let reach = zip(strides, shape.dimensions).reduce(1) { $0 + $1.0 * max($1.1 - 1, 0) }
            self.offset = offset
            guard case .source(let number) = base.kind else {
                name = nil
                return
            }
            name = names.first { $0.source == number && $0.offset <= offset && offset + reach <= $0.offset + $0.count }?.name
        }

        /// The number of the value, and what differs from reading all of it as it lies.
        public var text: String {
            if base.rank == 0 && shape.rank > 0 { return "%\(value) everywhere" }
            let details = [name, isWhole ? nil : "from element \(offset)", layout].compactMap { $0 }
            return "%\(value)" + (isWhole && shape == base ? "" : " as \(shape)") + (details.isEmpty ? "" : " (\(details.joined(separator: ", ")))")
        }

        /// Whether all elements are seen.
        private var isWhole: Bool {
            offset == 0 && zip(strides, shape.dimensions).reduce(1) { $1.0 == 0 ? $0 : $0 * $1.1 } >= base.count
        }

        /// In which order elements are seen; `nil` where it is that of memory.
        private var layout: String? {
            let axes = shape.dimensions.indices.filter { shape[$0] > 1 }
            let repeated = axes.filter { strides[$0] == 0 }, moving = axes.filter { strides[$0] != 0 }
            let words = [repeated.isEmpty ? nil : "repeated along \(Self.named(repeated))", order(moving)].compactMap { $0 }
            return words.isEmpty ? nil : words.joined(separator: ", ")
        }

        private func order(_ axes: [Int]) -> String? {
            if isContiguous(axes) { return nil }
            let byStride = axes.sorted { strides[$0] > strides[$1] }
            guard isContiguous(byStride) else { return "strides \(strides)" }
            return axes.count == 2 ? "transposed" : "its axes in the order \(byStride)"
        }

        private func isContiguous(_ axes: [Int]) -> Bool {
            var expected = 1
            for axis in axes.reversed() {
                if strides[axis] != expected { return false }
                expected *= shape[axis]
            }
            return true
        }

        private static func named(_ axes: [Int]) -> String {
            "\(axes.count == 1 ? "axis" : "axes") \(axes.map(String.init).joined(separator: ", "))"
        }
    }

    /// What a part of a source, or all of it, is called: a parameter in the memory of all of them.
    public struct SourceName: Sendable {
        /// The index among the sources.
        public let source: Int
        /// What the parameter or state is called, such as `layer1.weight`.
        public let name: String
        /// In elements.
        public let offset, count: Int

        /// Offset and count are in elements of the source.
        public init(source: Int, name: String, offset: Int, count: Int) {
            (self.source, self.name, self.offset, self.count) = (source, name, offset, count)
        }
    }
}
