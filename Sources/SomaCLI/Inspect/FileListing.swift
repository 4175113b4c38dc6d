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
        metadata = file.metadataEntries.sorted { ExactText($0.key) < ExactText($1.key) }
    }

    /// More of a text than a reader would read through is left to `--json`.
    private static let longestNote = 1000

    /// Calls `body` with one line after the other.
    func forEachLine(_ body: (String) throws -> Void) rethrows {
        var table = TextTable(["tensor", "dtype", "shape", "bytes"], [.left, .left, .left, .right])
        for tensor in tensors {
            table.add([tensor.name, tensor.elementType.rawValue, Self.text(tensor.shape), Quantity.grouped(tensor.byteCount)])
        }
        let elements = tensors.reduce(0) { $0 + $1.byteCount / $1.elementType.byteCount }
        let sum = "\(Quantity.counted(tensors.count, "tensor")), \(Quantity.counted(elements, "element")), \(Quantity.bytes(file.totalByteCount))"
        try table.forEachLine(body)
        for line in ["", sum] + (metadata.isEmpty ? [] : [""]) { try body(line) }
        for (key, value) in metadata {
            try body(Prose.printable("\(Prose.clipped(key, to: TextTable.widestCell)) = \(Prose.clipped(value, to: Self.longestNote))"))
        }
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
        var (x, y) = (a.utf8[...], b.utf8[...])
        while let p = x.first, let q = y.first {
            if isDigit(p) && isDigit(q) {
                let (m, n) = (takeNumber(&x), takeNumber(&y))
                if m.count != n.count { return m.count < n.count }
                if !m.elementsEqual(n) { return m.lexicographicallyPrecedes(n) }
            } else {
                if p != q { return p < q }
                x = x.dropFirst()
                y = y.dropFirst()
            }
        }
        // Numbers may differ in zeros before them.
        return x.isEmpty && y.isEmpty ? a.utf8.lexicographicallyPrecedes(b.utf8) : x.isEmpty
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// The digits at the beginning, without zeros before them, which may be more than any integer holds.
    private static func takeNumber(_ text: inout Substring.UTF8View) -> Substring.UTF8View {
        let digits = text.prefix(while: isDigit)
        text = text[digits.endIndex...]
        return digits.drop { $0 == UInt8(ascii: "0") }
    }
}
