import SomaGraph

// Items of which samples have different numbers: padded values, and beside them how many each sample has.

extension Field {
    /// The shape of an item of a ragged field, or of one sample's values.
    public var itemShape: [Int] { mostItems == nil ? shape : Array(shape.dropFirst()) }

    /// The name of the field that tells how many items each sample has, `name.count`; nil unless this one is ragged.
    public var countName: String? { mostItems == nil ? nil : Self.countName(of: name) }

    fileprivate static func countName(of name: String) -> String { "\(name).count" }
}

extension [Field] {
    /// These fields as batches have them: each ragged one is followed by its counts. Traps where two have one name.
    var withCounts: [Field] {
        let all = flatMap { field in [field] + (field.countName.map { [Field($0, .int32, [])] } ?? []) }
        for (index, field) in all.enumerated() where all[..<index].contains(where: { $0.name.isExactly(field.name) }) {
            programError("data set", "two fields are called '\(field.name)'")
        }
        return all
    }
}

extension BatchMemory {
    /// How many items of a ragged field each row has: to be written for every row that is not left out.
    public func counts(of field: String) -> UnsafeMutableBufferPointer<Int32> { values(of: Field.countName(of: field), as: Int32.self) }

    /// Writes the items of a ragged field for one row, and how many there are.
    /// - Parameter values: those of the items, one item behind the other.
    /// - Throws: `SomaError` where there are more items than the field may have. Values that make no whole number of items trap.
    public func write<Values: Collection>(_ values: Values, toRow row: Int, of field: String) throws where Values.Element: TensorScalar {
        let index = storage.index(of: field, as: Values.Element.self)
        let item = storage.fields[index].itemShape.reduce(1, *)
        guard let most = storage.fields[index].mostItems else { programError("batch", "field '\(field)' is not ragged: it has no `atMost`") }
        let count = values.count / item
        guard count * item == values.count else {
            programError("batch", "\(values.count) values are no items of '\(field)', which take \(item) each")
        }
        guard count <= most else {
            throw SomaError("a sample has \(count) of '\(field)', and batches hold \(most)", hint: "make the field larger, or cut samples off")
        }
        _ = self.row(row, of: field, as: Values.Element.self).update(fromContentsOf: values)
        counts(of: field)[row] = Int32(count)
    }
}

extension Batch {
    /// How many items of a ragged field each sample has.
    public func counts(of field: String) -> [Int] { values(of: Field.countName(of: field), as: Int32.self).map { Int($0) } }
}

extension Minibatch {
    /// How many items of a ragged field each sample has: int32 [count].
    public func counts(of field: String) -> Tensor { self[Field.countName(of: field)] }

    /// Which values of a ragged field are items of a sample, and not what it was padded with: bool [count, most].
    ///
    /// A mean over items is `losses.mean(weightedBy: batch.mask(of: "tokens").as(.float32))`.
    public func mask(of field: String) -> Tensor {
        let counts = counts(of: field)
        return Tensor.range(self[field].shape[1], device: counts.device) .< counts.expandingDims(at: 1)
    }
}
