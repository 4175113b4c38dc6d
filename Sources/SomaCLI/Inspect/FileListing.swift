import Soma

/// What a safetensors file holds, for people and for programs.
struct FileListing {
    private let file: SafetensorsFile
    private let tensors: [SafetensorsFile.Tensor]
    private let metadata: [(key: String, value: String)]

    init(_ file: SafetensorsFile) {
        self.file = file
        // Names in the order of their numbers, so that layer 10 follows layer 9.
        tensors = file.tensors.sorted { NaturalOrder.precedes($0.name, $1.name) }
        metadata = file.metadata.sorted { $0.key < $1.key }
    }

    var lines: [String] {
        var table = TextTable(["tensor", "dtype", "shape", "bytes"], [.left, .left, .left, .right])
        for tensor in tensors {
            table.add([tensor.name, tensor.elementType.rawValue, Self.text(tensor.shape), Quantity.grouped(tensor.byteCount)])
        }
        let elements = tensors.reduce(0) { $0 + $1.byteCount / $1.elementType.byteCount }
        let sum = "\(Quantity.counted(tensors.count, "tensor")), \(Quantity.counted(elements, "element")), \(Quantity.bytes(file.totalByteCount))"
        let notes = metadata.map { "\(Prose.printable($0.key)) = \(Prose.printable($0.value))" }
        return table.lines + ["", sum] + (notes.isEmpty ? [] : [""] + notes)
    }

    var json: JSON {
        [
            "metadata": .object(metadata.map { JSON.Member($0.key, .string($0.value)) }),
            "tensors": .array(
                tensors.map { tensor in
                    [
                        "name": .string(tensor.name), "dtype": .string(tensor.elementType.rawValue),
                        "shape": .array(tensor.shape.map { JSON($0) }), "bytes": JSON(tensor.byteCount),
                    ]
                }),
        ]
    }

    private static func text(_ shape: [Int]) -> String { "[\(shape.map(String.init).joined(separator: ", "))]" }
}

/// The order in which people count: `2` before `10`.
enum NaturalOrder {
    static func precedes(_ a: String, _ b: String) -> Bool {
        let (x, y) = (pieces(a), pieces(b))
        for (p, q) in zip(x, y) where p != q {
            if let m = UInt64(p), let n = UInt64(q), m != n { return m < n }
            return p < q
        }
        return x.count < y.count
    }

    /// Runs of digits, and what lies between them.
    private static func pieces(_ text: String) -> [String] {
        var pieces: [String] = []
        for character in text {
            let isDigit = ("0"..."9").contains(character)
            if let last = pieces.last?.last, ("0"..."9").contains(last) == isDigit {
                pieces[pieces.count - 1].append(character)
            } else {
                pieces.append(String(character))
            }
        }
        return pieces
    }
}
