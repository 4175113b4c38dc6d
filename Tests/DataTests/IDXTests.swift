import Glibc
import Testing

@testable import Soma

@Suite struct IDXTests {
    let folder = TemporaryFolder()

    static func idx(_ type: UInt8, _ shape: [UInt32], _ data: [UInt8]) -> [UInt8] {
        [0, 0, type, UInt8(shape.count)] + shape.flatMap(bigEndian) + data
    }

    @Test(arguments: [false, true]) func readsPlainAndGzip(packed: Bool) throws {
        let plain = Self.idx(8, [3, 2, 2], Array(0..<12))
        let file = try IDXFile(path: folder.file("a", packed ? gzipStored(plain) : plain))
        #expect(file.elementType == .uint8)
        #expect(file.shape == [3, 2, 2])
        #expect(try file.withBytes(Array.init) == Array(0..<12))
        #expect(try file.withSample(1, Array.init) == [4, 5, 6, 7])
    }

    @Test func readsSeveralGzipMembers() throws {
        let plain = Self.idx(8, [200_000], [UInt8](repeating: 7, count: 200_000))
        let file = try IDXFile(path: folder.file("a", gzipStored(Array(plain[..<5])) + gzipStored(Array(plain[5...]))))
        #expect(try file.withBytes { $0.count == 200_000 && $0.allSatisfy { $0 == 7 } })
    }

    @Test(
        arguments: [
            (0x08, [0, 255], [0, 255]), (0x09, [0x80, 1], [-128, 1]), (0x0B, [0xFF, 0xFE, 1, 0], [-2, 256]),
            (0x0C, [0xFF, 0xFF, 0xFF, 0xFD, 0, 1, 0, 0], [-3, 65536]),
            (0x0D, [0x3F, 0xC0, 0, 0, 0xC0, 0, 0, 0], [1.5, -2]),
            (0x0E, [0x3F, 0xF8, 0, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0], [1.5, -2]),
        ] as [(UInt8, [UInt8], [Float])])
    func readsEveryElementType(type: UInt8, data: [UInt8], expected: [Float]) throws {
        let file = try IDXFile(path: folder.file("a", Self.idx(type, [1, 2], data)))
        var values: [Float] = [0, 0]
        try values.withUnsafeMutableBufferPointer { try file.readSample(0, into: $0) }
        #expect(values == expected)
    }

    /// Numbers that single precision does not hold.
    @Test func labelsAreReadExactly() throws {
        let classes = 1 << 24 + 2
        func labels(_ type: UInt8, _ bytes: [UInt8]) throws -> [Int32] {
            let images = try IDXFile(path: folder.file("images", Self.idx(8, [1, 1], [0])))
            let set = try ImageDataSet(images: images, labels: IDXFile(path: folder.file("labels", Self.idx(type, [1], bytes))), classCount: classes)
            let loader = try BatchLoader(set, batchSize: 1, seed: nil, epochs: 1)
            return Array(try #require(try loader.next()).values(of: "label", as: Int32.self))
        }
        #expect(try labels(0x0C, bigEndian(1 << 24 + 1)) == [1 << 24 + 1])
        #expect(try labels(0x0E, bigEndian(0x4170_0000) + bigEndian(0x1000_0000)) == [1 << 24 + 1])
        #expect(try labels(0x0D, bigEndian(Float(7).bitPattern)) == [7])
        #expect(try labels(0x09, [127]) == [127])
        expectError("labels has the label 16777218 at 0, which is none of 16777218 classes") { _ = try labels(0x0C, bigEndian(1 << 24 + 2)) }
        expectError("has the label -1 at 0") { _ = try labels(0x0C, bigEndian(.max)) }
        expectError("has the label -2 at 0") { _ = try labels(0x0B, [0xFF, 0xFE]) }
        expectError("has the label 0.5 at 0") { _ = try labels(0x0D, bigEndian(Float(0.5).bitPattern)) }
        expectError("has the label nan at 0") { _ = try labels(0x0D, bigEndian(Float.nan.bitPattern)) }
    }

    @Test func acceptsNoSamples() throws {
        #expect(try IDXFile(path: folder.file("a", Self.idx(8, [0, 28, 28], []))).count == 0)
        #expect(try IDXFile(path: folder.file("b", gzipStored(Self.idx(8, [0, 28, 28], [])))).count == 0)
    }

    @Test func namesEveryFault() {
        func check(_ bytes: [UInt8], _ reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
            let path = folder.file("bad", bytes)
            expectError(path, reason, sourceLocation: sourceLocation) { _ = try IDXFile(path: path) }
        }
        let good = Self.idx(8, [3, 2], [1, 2, 3, 4, 5, 6])
        check([], "is empty")
        check([0, 0], "truncated")
        check([1] + good, "not an IDX file")
        // Nothing takes no room, but a sample of that many numbers is none.
        check(Self.idx(8, [0, .max, .max], []), "impossible size")
        check(Self.idx(8, [0, .max, 1 << 30], []), "impossible size")
        check(gzipStored(Self.idx(0x0E, [0, .max, .max, .max], [])), "impossible size")
        check(Self.idx(0x0A, [1], [0]), "unknown IDX element type 0xa")
        check(Self.idx(8, [], [0]), "without dimensions")
        check(Array(good[..<9]), "truncated within its header")
        check(Array(good.dropLast()), "truncated: uint8 [3, 2] takes 18 bytes, it has 17")
        check(good + [0], "1 bytes after")
        check(Self.idx(8, [.max, .max, .max], []), "impossible size")
        check(Self.idx(0x0E, [.max, .max], []), "impossible size")
        check(Self.idx(8, [.max, 1 << 10], [1]), "truncated")
    }

    @Test func namesEveryFaultOfGzip() {
        func check(_ bytes: [UInt8], _ reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
            let path = folder.file("bad.gz", bytes)
            expectError(path, reason, sourceLocation: sourceLocation) { _ = try IDXFile(path: path) }
        }
        let plain = Self.idx(8, [3, 2], [1, 2, 3, 4, 5, 6])
        let good = gzipStored(plain)
        for length in 2..<good.count { check(Array(good[..<length]), "truncated") }
        var broken = good
        broken[broken.count - 12] ^= 1
        check(broken, "broken gzip data: incorrect data check")
        check(good + [1, 2, 3], "broken gzip data: incorrect header check")
        check(gzipStored(plain + [0]), "bytes after uint8 [3, 2]")
        check(gzipStored(Array(plain.dropLast())), "truncated: its header promises uint8 [3, 2]")
        check(gzipStored(Self.idx(8, [.max, 1000], [1, 2])), "cannot hold what its header promises")
        check(gzipStored([]), "truncated")
        check(gzipStored([0, 0, 8, 9, 1]), "truncated within its header")
    }

    @Test func namesAMissingFileAndAFolder() {
        expectError("/proc/nonexistent/x", "No such file") { _ = try IDXFile(path: "/proc/nonexistent/x") }
        expectError("/tmp", "not a regular file") { _ = try IDXFile(path: "/tmp") }
    }

    /// A sparse file larger than memory opens at once, since nothing of it is loaded.
    @Test func readsAFileLargerThanMemory() throws {
        let path = folder.file("huge", Self.idx(8, [1 << 20, 1 << 19], []))
        try #require(truncate(path, 16 - 4 + (1 << 39)) == 0)
        let file = try IDXFile(path: path)
        #expect(file.count == 1 << 20)
        #expect(try file.withSample((1 << 20) - 1) { $0.count == 1 << 19 && $0[0] == 0 })
    }

    @Test func embeddedDigits() throws {
        #expect(Digits.images.shape == [1797, 8, 8])
        #expect(Digits.labels.shape == [1797])
        #expect(try Digits.images.withBytes { $0.max() } == Digits.maximumPixel)
        // The classes are nearly balanced; these are the counts that scikit-learn documents for this data set.
        let counts = try Digits.labels.withBytes { labels in (0..<10).map { digit in labels.count { $0 == digit } } }
        #expect(counts == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    }

    @Test(.enabled(if: dataFolder != nil)) func realMNIST() throws {
        let file = try IDXFile(path: "\(try #require(dataFolder))/mnist/t10k-images-idx3-ubyte.gz")
        #expect(file.shape == [10000, 28, 28])
        let sum = try file.withBytes { $0.reduce(0) { $0 + Int($1) } }
        #expect(abs(Double(sum) / 7_840_000 - 33.79) < 0.01)  // the mean pixel as published, 0.1325 of 255
    }
}
