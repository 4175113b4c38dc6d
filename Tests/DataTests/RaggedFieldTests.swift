import SomaReference
import SomaGraph
import Testing

@testable import Soma

/// Sample i has i mod 4 boxes [i, i, i, i + k] and i mod 3 + 1 tokens. It leaves ones behind all that it writes.
private struct Boxes: DataSet {
    let count: Int
    var readingEffort = ReadingEffort.copying
    var leftOut: Set<Int> = []
    let fields = [Field("boxes", .float32, [4], atMost: 3), Field("number", .int32, []), Field("tokens", .int32, atMost: 5)]

    static func boxes(_ index: Int) -> [Float] { (0..<index % 4).flatMap { [Float(index), Float(index), Float(index), Float(index + $0)] } }
    static func tokens(_ index: Int) -> [Int32] { (0...index % 3).map { Int32(10 * index + $0) } }

    func read(_ indices: [Int], into batch: BatchMemory) throws {
        batch.values(of: "boxes", as: Float.self).update(repeating: 1)
        let tokens = batch.values(of: "tokens", as: Int32.self)
        tokens.update(repeating: 1)
        for (row, index) in indices.enumerated() {
            batch.values(of: "number", as: Int32.self)[row] = Int32(index)
            if leftOut.contains(index) {
                batch.leaveOut(row)
                continue
            }
            try batch.write(Self.boxes(index), toRow: row, of: "boxes")
            for (k, token) in Self.tokens(index).enumerated() { tokens[5 * row + k] = token }
            batch.counts(of: "tokens")[row] = Int32(Self.tokens(index).count)
        }
    }
}

@Suite struct RaggedFieldTests {
    private let device = Device(running: InterpretingBackend())

    private func padded<T>(_ values: [T], to count: Int, with zero: T) -> [T] { values + Array(repeating: zero, count: count - values.count) }

    private func check(_ batch: Batch) {
        #expect(batch.fields.map(\.name) == ["boxes", "boxes.count", "number", "tokens", "tokens.count"])
        #expect(batch.values(of: "number", as: Int32.self).map { Int($0) } == batch.indices)
        #expect(batch.values(of: "boxes", as: Float.self) == batch.indices.flatMap { padded(Boxes.boxes($0), to: 12, with: 0) })
        #expect(batch.values(of: "tokens", as: Int32.self) == batch.indices.flatMap { padded(Boxes.tokens($0), to: 5, with: 0) })
        #expect(batch.counts(of: "boxes") == batch.indices.map { $0 % 4 } && batch.counts(of: "tokens") == batch.indices.map { $0 % 3 + 1 })
    }

    /// In memory that batches before have filled, by one thread or by several that share a batch.
    @Test(arguments: [ReadingEffort.copying, .decoding]) func batchesArePaddedWithZeros(_ effort: ReadingEffort) throws {
        let loader = try BatchLoader(Boxes(count: 50, readingEffort: effort), batchSize: 9, seed: 1, epochs: 3, readAhead: 1, threads: 3)
        var count = 0
        while let batch = try loader.next() {
            check(batch)
            count += batch.count
        }
        #expect(count == 150)
    }

    @Test func rowsThatAreLeftOutNeedNoCount() throws {
        let loader = try BatchLoader(Boxes(count: 12, leftOut: [0, 4, 5, 11]), batchSize: 6, seed: nil, epochs: 1)
        var indices: [Int] = []
        while let batch = try loader.next() {
            check(batch)
            indices += batch.indices
        }
        #expect(indices == [1, 2, 3, 6, 7, 8, 9, 10])
    }

    @Test func partsOfADataSetAreRaggedToo() throws {
        let (training, heldOut) = Boxes(count: 20).split(heldOut: 0.5, seed: 1)
        let numbers = try [training, heldOut].flatMap { part in
            #expect(part.fields == Boxes(count: 0).fields)
            let batch = try #require(try BatchLoader(part, batchSize: 10, seed: nil, epochs: 1).next())
            let numbers = batch.values(of: "number", as: Int32.self).map { Int($0) }
            #expect(batch.counts(of: "boxes") == numbers.map { $0 % 4 })
            #expect(batch.values(of: "boxes", as: Float.self) == numbers.flatMap { padded(Boxes.boxes($0), to: 12, with: 0) })
            return numbers
        }
        #expect(numbers.sorted() == Array(0..<20))
    }

    @Test func arraysInMemory() throws {
        try withDevice(device) { () throws in
            let boxes: [[[Float]]] = [[[1, 2], [3, 4]], [], [[5, 6]]]
            let tokens = try RaggedArray([[1, 2], [3], []], dtype: .int32)
            let data = try TensorDataSet(["label": Tensor([7, 8, 9])], ragged: ["boxes": RaggedArray(boxes, atMost: 3), "tokens": tokens])
            #expect(data.count == 3)
            #expect(data.fields == [Field("label", .int64, []), Field("boxes", .float32, [2], atMost: 3), Field("tokens", .int32, atMost: 2)])
            #expect(data.fields[1] != Field("boxes", .float32, [3, 2]) && data.fields[1].itemShape == [2] && data.fields[1].shape == [3, 2])
            let batch = try Minibatch(of: Subset(data, indices: [2, 0, 1]))
            #expect(batch.names == ["label", "boxes", "boxes.count", "tokens", "tokens.count"])
            #expect(try batch["boxes"].shape == [3, 3, 2] && batch["boxes"].scalars() == [5, 6, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
            #expect(try batch["tokens"].scalars() == [0, 0, 1, 2, 3, 0] && batch.counts(of: "tokens").scalars() == [0, 2, 1])
            let mask = batch.mask(of: "boxes")
            #expect(try mask.dtype == .bool && mask.shape == [3, 3] && mask.scalars() == [1, 0, 0, 1, 1, 0, 0, 0, 0])
            #expect(try TensorDataSet(ragged: ["tokens": RaggedArray([[], []] as [[Int32]])]).fields == [Field("tokens", .int32, atMost: 1)])
        }
    }

    @Test func samplesThatAreTooLongAreToldOf() throws {
        expectError("sample 1 has 3 items", "hold 2") { _ = try RaggedArray([[1], [1, 2, 3]], atMost: 2) }
        struct Long: DataSet {
            let count = 1
            let fields = [Field("boxes", .float32, [2], atMost: 2)]
            func read(_ indices: [Int], into batch: BatchMemory) throws { try batch.write([1, 2, 3, 4, 5, 6] as [Float], toRow: 0, of: "boxes") }
        }
        let loader = try BatchLoader(Long(), batchSize: 1, seed: nil)
        expectError("a sample has 3 of 'boxes'", "hold 2") { _ = try loader.next() }
    }

    /// What a data set of one field does wrong, by a number.
    private struct Wrong: DataSet {
        let count = 2
        let kind: Int
        var fields: [Field] { [Field("x", .float32, [2], atMost: 3)] + (kind == 3 ? [Field("x.count", .int32, [])] : []) }
        func read(_ indices: [Int], into batch: BatchMemory) throws {
            try batch.write([1, 2] as [Float], toRow: 0, of: "x")
            if kind == 1 { batch.counts(of: "x")[1] = 4 }
            if kind == 2 { try batch.write([1, 2, 3] as [Float], toRow: 1, of: "x") }
        }
    }

    private func complaint(_ result: ExitTest.Result?) -> String { result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? "" }

    @Test func countsThatAreNotTold() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try BatchLoader(Wrong(kind: 0), batchSize: 2, seed: nil).next()
        }
        #expect(complaint(result).contains("did not tell how many of 'x' a sample has"), "\(complaint(result))")
    }

    @Test func countsBeyondTheField() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try BatchLoader(Wrong(kind: 1), batchSize: 2, seed: nil).next()
        }
        #expect(complaint(result).contains("4 of 'x', which has at most 3"), "\(complaint(result))")
    }

    @Test func halfAnItem() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try BatchLoader(Wrong(kind: 2), batchSize: 2, seed: nil).next()
        }
        #expect(complaint(result).contains("3 values are no items of 'x', which take 2 each"), "\(complaint(result))")
    }

    @Test func twoFieldsOfOneName() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            _ = try BatchLoader(Wrong(kind: 3), batchSize: 2, seed: nil).next()
        }
        #expect(complaint(result).contains("two fields are called 'x.count'"), "\(complaint(result))")
    }
}
