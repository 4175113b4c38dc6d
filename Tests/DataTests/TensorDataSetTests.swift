import Soma
import SomaReference
import Testing

@Suite struct TensorDataSetTests {
    private let device = Device(running: InterpretingBackend())

    @Test func samplesAreTheRowsOfTheTensors() throws {
        try withDevice(device) { () throws in
            let x = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
            let data = try TensorDataSet(["x": x * 10, "label": Tensor([7, 8, 9]), "flag": Tensor([true, false, true])])
            #expect(data.count == 3 && data.fields == [Field("x", .float32, [2]), Field("label", .int64, []), Field("flag", .bool, [])])
            let loader = try BatchLoader(Subset(data, indices: [2, 0]), batchSize: 2, seed: nil, epochs: 1)
            let batch = try #require(try loader.next())
            #expect(batch.values(of: "x", as: Float.self) == [50, 60, 10, 20])
            #expect(batch.values(of: "label", as: Int.self) == [9, 7] && batch.values(of: "flag", as: Bool.self) == [true, true])
            let parts = data.split(heldOut: 0.34, seed: 1)
            #expect(parts.training.count == 2 && parts.heldOut.count == 1)
        }
    }

    @Test func nothingIsADataSetToo() throws {
        let data = try TensorDataSet(["x": Tensor([] as [[Float]], device: device)])
        #expect(data.count == 0 && data.fields == [Field("x", .float32, [0])])
    }

    @Test func samplesAsAMinibatch() throws {
        try withDevice(device) { () throws in
            let data = try TensorDataSet(["x": Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])])
            #expect(try Minibatch(of: data, 1..<3)["x"].scalars() == [3, 4, 5, 6])
            let all = try Minibatch(of: data)
            #expect(try all.count == 3 && all["x"].scalars() == [1, 2, 3, 4, 5, 6])
            #expect { _ = try Minibatch(of: data, 1..<1) } throws: { "\($0)".contains("none of 0 samples") }
        }
    }

    @Test func epochByEpoch() throws {
        try withDevice(device) { () throws in
            let data = try TensorDataSet(["x": Tensor.range(5)])
            let loader = try BatchLoader(data, batchSize: 2, seed: 1, epochs: 2)
            var epochs: [[Double]] = []
            for _ in 0..<3 {
                epochs.append([])
                try loader.forEachInEpoch { batch in epochs[epochs.count - 1] += try batch["x"].scalars() }
            }
            #expect(epochs.map { $0.sorted() } == [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4], []] && epochs[0] != epochs[1])
        }
    }

    @Test func tensorsOfDifferentLengthsEndTheProgram() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let device = Device(running: InterpretingBackend())
            _ = try TensorDataSet(["x": Tensor([1.0, 2.0], device: device), "y": Tensor([1, 2, 3], device: device)])
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        for word in ["TensorDataSet", "'y' [3]", "2 samples", "TensorDataSetTests.swift"] { #expect(text.contains(word), "\(text.prefix(300))") }
    }
}
