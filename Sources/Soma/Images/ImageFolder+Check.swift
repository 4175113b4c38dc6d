import SomaGraph
import Synchronization

extension ImageFolder {
    /// What reading every picture of a folder has shown.
    public struct Findings: Sendable {
        /// Pictures that can be read.
        public fileprivate(set) var readableCount = 0
        /// Those of them that have colours.
        public fileprivate(set) var colourCount = 0
        /// The readable pictures with the fewest and the most pixels, and those in the middle.
        public fileprivate(set) var smallest, median, largest: PictureSize?
        /// Each picture that cannot be read, and why, in the order of the paths.
        public fileprivate(set) var unreadable: [(path: String, reason: String)] = []
    }

    /// How many pictures each class has to train on and held out.
    public var classCounts: [(training: Int, validation: Int)] {
        var counts = classes.map { _ in (training: 0, validation: 0) }
        for label in trainingList.labels { counts[Int(label)].training += 1 }
        for label in validationList.labels { counts[Int(label)].validation += 1 }
        return counts
    }

    /// Decodes every picture, on as many threads as there are cores.
    /// - Parameter progress: called with how many are done; what it throws ends the check.
    /// - Throws: what `progress` throws.
    public func check(progress: (_ done: Int) throws -> Void = { _ in }) throws -> Findings {
        var findings = Findings()
        var sizes: [PictureSize] = []
        var done = 0
        for list in [trainingList, validationList] where list.count > 0 {
            let probe = ImageProbe(list: list)
            let loader = try BatchLoader(probe, batchSize: 64, seed: nil, epochs: 1)
            while let batch = try loader.next() {
                let values = batch.values(of: "size", as: Int32.self).map { Int($0) }
                for row in 0..<batch.count where values[3 * row + 2] > 0 {
                    sizes.append(PictureSize(height: values[3 * row], width: values[3 * row + 1]))
                    if values[3 * row + 2] == 3 { findings.colourCount += 1 }
                }
                done += batch.count
                try progress(done)
            }
            findings.unreadable += probe.failures.reasons.withLock { $0 }.sorted { $0.key < $1.key }
                .map { (list.path($0.key), $0.value) }
        }
        sizes.sort { ($0.height * $0.width, $0.height) < ($1.height * $1.width, $1.height) }
        findings.readableCount = sizes.count
        (findings.smallest, findings.largest) = (sizes.first, sizes.last)
        findings.median = sizes.isEmpty ? nil : sizes[sizes.count / 2]
        return findings
    }
}

/// Reads of each picture how large it is: rows, columns and channels, or zeros where it cannot be decoded.
private struct ImageProbe: DataSet {
    let list: ImageList
    let failures = Failures()
    let fields = [Field("size", .int32, [3])]
    var count: Int { list.count }
    var readingEffort: ReadingEffort { .decoding }

    final class Failures: Sendable {
        let reasons = Mutex<[Int: String]>([:])
    }

    func read(_ indices: [Int], into batch: BatchMemory) {
        for (row, index) in indices.enumerated() {
            let size = batch.row(row, of: "size", as: Int32.self)
            do {
                let file = try EncodedPicture(path: list.bytes(index))
                let picture = try DecodingRoom.shared.use(for: file.size) { try file.decoded() }
                (size[0], size[1], size[2]) = (Int32(picture.height), Int32(picture.width), Int32(picture.channels))
            } catch {
                (size[0], size[1], size[2]) = (0, 0, 0)
                failures.reasons.withLock { $0[index] = "\(error)" }
            }
        }
    }
}
