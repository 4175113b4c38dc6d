import SomaGraph

/// What a model is made of, and what a call of it takes: its layers by path with the shapes of what they give, parameters and multiply-adds.
///
/// `print(summary(of: model, for: [1, 3, 224, 224]))` prints it; `table` has the same as cells.
public struct NetworkSummary: Hashable, Sendable {
    /// A layer, or another module that the model is made of.
    public struct Row: Hashable, Sendable {
        /// As parameters are named: `layer1.0.conv1`; empty for the model itself.
        public let path: String
        /// How many modules enclose it.
        public let depth: Int
        /// `Convolution`.
        public let type: String
        /// The shape of what each call of it gives, in the order of the calls. A layer that is used twice has two.
        ///
        /// It is known of a layer with parameters or states of its own, by what uses them, of what a `Sequential` applies, and of the model;
        /// empty for all others, such as an activation that a model applies by itself.
        public internal(set) var outputs: [Shape] = []
        /// Elements of its own parameters; those of the modules within it are theirs. A shared parameter counts where the first path leads to it.
        public internal(set) var parameterCount = 0
        /// Elements of its own states.
        public internal(set) var stateCount = 0
        /// Of all calls. A product of what several modules gave, as in attention, counts for the innermost module that holds them all.
        public internal(set) var multiplyAdds = 0
    }

    /// The model and all modules within it, each before those that are within it. Each number counts in one row, so that columns add up.
    public let rows: [Row]
    /// Of parameters and of states, each once.
    public let parameterBytes, stateBytes: Int
    /// Of what it is called with.
    public let inputBytes: Int

    /// The elements of all parameters together.
    public var parameterCount: Int { rows.reduce(0) { $0 + $1.parameterCount } }
    /// The elements of all states together.
    public var stateCount: Int { rows.reduce(0) { $0 + $1.stateCount } }
    /// Of matrix products and convolutions, by their definition: an addition and a multiplication together are one.
    public var multiplyAdds: Int { rows.reduce(0) { $0 + $1.multiplyAdds } }

    /// The row of a path.
    public subscript(path: String) -> Row? { rows.first { $0.path.isExactly(path) } }

    /// A row for each module.
    public var table: Table {
        var table = Table(
            "summary", columns: ["layer", "type", "output", "parameters", "multiply-adds"],
            rows: rows.map { row in
                let name = row.path.isEmpty ? "(model)" : row.path
                return [name, row.type, row.outputText, Self.number(row.parameterCount), Self.number(row.multiplyAdds)]
            })
        table.wordColumnCount = 3
        return table
    }

    private static func number(_ count: Int) -> String { count == 0 ? "" : Quantity.grouped(count) }
}

extension NetworkSummary.Row {
    /// `[8, 64]`, `2 × [8, 64]`, `[8, 64], [8, 32]`.
    fileprivate var outputText: String {
        guard outputs.count > 1, let first = outputs.first, outputs.allSatisfy({ $0 == first }) else {
            return outputs.map { "\($0)" }.joined(separator: ", ")
        }
        return "\(outputs.count) × \(first)"
    }
}

extension NetworkSummary: CustomStringConvertible {
    /// The table with columns that line up, and the totals.
    public var description: String {
        let table = table
        let all = [table.columns] + table.rows
        let widths = table.columns.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        let lines = all.map { cells in
            let padded = cells.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                return column < table.wordColumnCount ? cells[column] + space : space + cells[column]
            }
            let line = padded.joined(separator: "  ")
            return String(line.dropLast(line.reversed().prefix { $0 == " " }.count))
        }
        return (lines + ["", totals]).joined(separator: "\n")
    }

    private var totals: String {
        var parts = ["\(Quantity.counted(parameterCount, "parameter")) (\(Quantity.bytes(parameterBytes)))"]
        if stateCount > 0 { parts.append("\(Quantity.counted(stateCount, "number")) of state (\(Quantity.bytes(stateBytes)))") }
        parts += ["\(Quantity.counted(multiplyAdds, "multiply-add"))", "input of \(Quantity.bytes(inputBytes))"]
        return parts.joined(separator: ", ")
    }
}

/// What a model is called with: a shape and a dtype. An array of extents is one of `float32`.
public struct ModelInput: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// The extents of the tensor, with those of the batch.
    public let shape: Shape
    /// The type of its elements.
    public let dtype: DType

    /// An input of this shape and type.
    public init(_ shape: Shape, _ dtype: DType = .float32) { (self.shape, self.dtype) = (shape, dtype) }
    public init(arrayLiteral extents: Int...) { self.init(Shape(extents)) }
}

/// What a layer is made of and what a call with a tensor of `shape` takes, in inference. The graph is built and not run: nothing is computed,
/// no state changes and no random number is drawn. A layer that reads values while it is called ends the program.
/// - Parameter dtype: `.int32`, say, for a layer that takes indices.
public func summary(of model: some Layer, for shape: Shape, dtype: DType = .float32) -> NetworkSummary {
    summary(of: model, for: [ModelInput(shape, dtype)]) { [model($0[0])] }
}

/// The summary of a module that is called in a way of its own, as with several tensors:
///
/// ```swift
/// summary(of: model, for: [ModelInput([8, 16], .int32), [8, 16, 64]]) { [model.decode($0[0], memory: $0[1])] }
/// ```
/// - Parameter body: calls the module and answers with what is to be computed.
/// - Throws: what `body` throws.
public func summary(
    of model: some Module, for inputs: [ModelInput], calling body: ([Tensor]) throws -> [Tensor]
) rethrows -> NetworkSummary {
    try NetworkOutline.summary(of: model, for: inputs, body)
}
