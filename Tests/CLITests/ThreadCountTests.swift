import Soma
import Testing

/// Runs on different numbers of threads.
@Suite struct ThreadCountTests {
    let folder = TestFolder()

    /// The beginning of MNIST's files, filled with a pattern.
    private func writeImages(_ name: String, _ count: Int) throws {
        let pixels = (0..<count * 784).map { UInt8(truncatingIfNeeded: $0 * $0 % 251 + $0 / 784 * 7) }
        try folder.write("data/\(name)-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, UInt8(count >> 8), UInt8(count & 255), 0, 0, 0, 28, 0, 0, 0, 28] + pixels)
        try folder.write("data/\(name)-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, UInt8(count >> 8), UInt8(count & 255)] + (0..<count).map { UInt8($0 % 10) })
    }

    /// The same weights, moments and metrics to the bit, from products and convolutions whose libraries divide sums among the threads.
    @Test(arguments: [
        ["mnist-mlp", "--data", "data", "hidden=512,256", "batch=128"], ["lenet", "--data", "data", "batch=128"],
        ["resnet20", "--image-size", "16", "held-out=0.9", "batch=60"],
    ])
    func runsAreTheSameToTheBit(_ words: [String]) throws {
        try folder.write("data/readme", [])
        try writeImages("train", 384)
        try writeImages("t10k", 64)
        for threads in ["1", "2", "3"] {
            let command = Command.run(
                ["\(Command.folder)/soma", "train"] + words + ["--device", "cpu", "--epochs", "1", "--output", threads], in: folder,
                environment: ["OMP_NUM_THREADS": threads])
            #expect(command.status == 0, "\(command.complaint)")
            #expect(folder.exists("\(threads)/last.safetensors") && folder.bytes("\(threads)/last.safetensors") == folder.bytes("1/last.safetensors"), "\(threads) threads")
        }
        // Begun on one number of threads, gone on with on another.
        for (threads, epochs) in [("2", "2"), ("3", "2")] {
            let command = Command.run(
                ["\(Command.folder)/soma", "train", words[0], "--resume", "1", "--epochs", epochs, "--output", "on\(threads)"], in: folder,
                environment: ["OMP_NUM_THREADS": threads])
            #expect(command.status == 0 && command.complaint.isEmpty, "\(command.complaint)")
        }
        #expect(folder.exists("on2/last.safetensors") && folder.bytes("on2/last.safetensors") == folder.bytes("on3/last.safetensors"))
    }
}
