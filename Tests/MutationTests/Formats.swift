import Glibc
import Soma
import SomaGraph
import Testing

@testable import OpenCLBackend
@testable import Soma
@testable import SomaCLI
@testable import SomaZoo

/// A kind of file, files of it that are right, and what reads it.
struct FileFormat: Sendable {
    let name: String
    let samples: [[UInt8]]
    var tokens: [[UInt8]] = []
    /// Sums and lengths that a reader checks first, made right again so that what comes behind them is reached.
    var repair: @Sendable ([UInt8]) -> [UInt8] = { $0 }
    /// Reads a file as the program does, and all that it holds. What it throws is a refusal.
    let read: @Sendable (_ path: String, _ bytes: [UInt8]) throws -> Void
}

/// What a reader made of an input that it accepted is not what the input says.
struct Contradiction: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func expectSame<Value: Equatable>(_ a: Value, _ b: Value, _ what: String) throws {
    if a != b { throw Contradiction(what) }
}

extension FileFormat {
    static let all: [FileFormat] = [
        idx, packedIDX, labels, safetensors, checkpoint, png, jpeg, json, configuration, metrics, benchReport, tuning, choices, program, fileNames, foreign, csv, preparation, fittedTable, tokenizer,
        merges, tokenCache, pretrainedConfiguration, weightIndex,
    ]

    private static func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }

    private static func idxFile(_ type: UInt8, _ shape: [UInt32], _ data: [UInt8]) -> [UInt8] {
        [0, 0, type, UInt8(shape.count)] + shape.flatMap(bigEndian) + data
    }

    private static let idxSamples = [
        idxFile(0x08, [3, 4, 5], Array(0..<60)), idxFile(0x0D, [2, 3], [UInt8](repeating: 0x3F, count: 24)), idxFile(0x0E, [1, 2], [UInt8](repeating: 1, count: 16)),
        idxFile(0x0B, [4], Array(0..<8)), idxFile(0x08, [0, 28, 28], []),
    ]

    private static func readAll(_ path: String) throws {
        let file = try IDXFile(path: path)
        guard file.elementsPerSample <= 1 << 20 else { return }
        var values = [Float](repeating: 0, count: file.elementsPerSample)
        for index in 0..<min(file.count, 1000) { try values.withUnsafeMutableBufferPointer { try file.readSample(index, into: $0) } }
    }

    static let idx = FileFormat(name: "IDX", samples: idxSamples) { path, _ in try readAll(path) }

    static let packedIDX = FileFormat(name: "IDX in gzip", samples: idxSamples.map(Packing.gzip), repair: Packing.repairGzip) { path, _ in
        try readAll(path)
    }

    /// Pictures and labels as a data set: the first half of the bytes is one file, the second the other.
    static let labels = FileFormat(name: "pictures and labels", samples: [
        idxFile(8, [5, 2, 2], Array(0..<20)) + idxFile(8, [5], [0, 1, 2, 3, 9]),
    ]) { path, bytes in
        let cut = min(36, bytes.count)
        func file(_ part: ArraySlice<UInt8>) throws -> IDXFile {
            try IDXFile(region: ByteRegion(count: part.count) { $0.copyBytes(from: part) }, path: path)
        }
        let set = try ImageDataSet(images: file(bytes[..<cut]), labels: file(bytes[cut...]))
        let loader = try BatchLoader(set, batchSize: 3, seed: nil, epochs: 1)
        while let batch = try loader.next() {
            guard batch.values(of: "label", as: Int32.self).allSatisfy({ (0..<10).contains($0) }) else { throw Contradiction("a label that is no class") }
        }
    }

    static let png = FileFormat(
        name: "PNG", samples: Pictures.png, tokens: ["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "tEXt", "zTXt", "iTXt", "sPLT", "pCAL", "sCAL", "iCCP", "eXIf", "acTL"]
            .map { Array($0.utf8) }, repair: Packing.repairPNG
    ) { _, bytes in try decode(bytes) }

    static let jpeg = FileFormat(
        name: "JPEG", samples: Pictures.jpeg, tokens: [0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xDA, 0xDB, 0xDD, 0xD0, 0xD9, 0xE1, 0xEE].map { [0xFF, $0] }
    ) { _, bytes in try decode(bytes) }

    private static func decode(_ bytes: [UInt8]) throws {
        let encoded = try EncodedPicture(bytes, name: "picture")
        // Larger ones take their time rightly.
        guard encoded.size.height * encoded.size.width <= 1 << 20 else { return }
        let picture = try encoded.decoded()
        try expectSame(picture.size, encoded.size, "a picture of another size than was said")
        try expectSame(picture.pixels.count, picture.width * picture.height * picture.channels, "pixels that are missing")
        _ = try encoded.decoded(channels: 1, eighths: 2)
        if picture.width * picture.height <= 4096 { _ = try InkPicture(picture, path: "picture").fitted(rows: 8, columns: 8) }
    }

    static let json = FileFormat(
        name: "JSON", samples: [#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",true,null],"b":{"c":{}}}"#, "[[[[[[[[]]]]]]]]", "\"e\u{301}\""].map { Array($0.utf8) },
        tokens: ["{", "[", "\"a\":", "\\u", "\\ud800", "\u{301}", "1e9", "null", "\r\n"].map { Array($0.utf8) }
    ) { _, bytes in
        let value = try bytes.withUnsafeBytes { try JSON(parsing: $0) }
        try expectSame(try JSON(parsing: value.description), value, "JSON that is read back as something else")
    }

    /// A program of the cache: only the bytes that were kept are believed.
    static let program: FileFormat = {
        let content = Array("a compiled program".utf8)
        let sample = Array("SOMACL01".utf8) + Hash128(content).bytes + content
        return FileFormat(name: "compiled program", samples: [sample]) { path, _ in
            let folder = PathText.folder(of: path)
            rename(path, "\(folder)/key.clbin")
            guard let found = ProgramCache(folder: folder).read("key") else { throw SomaError("it is none") }
            try expectSame(found, content, "another program than was kept")
        }
    }()

    /// Names in the listing of a folder, which are any bytes but zero and slash.
    static let fileNames = FileFormat(
        name: "names of files", samples: ["café.png", "cafe\u{301}", "x\u{200F}.jpg", "\u{301}a", "a=b"].map { Array($0.utf8) }, tokens: [[0xFF], [0xC3], Array("\u{301}".utf8)]
    ) { path, bytes in
        let composed = bytes.composed
        try expectSame(composed.composed, composed, "a composed name that changes when it is composed again")
        let name = bytes.filter { $0 != 0 && $0 != UInt8(ascii: "/") }.prefix(200)
        guard !name.isEmpty, name.first != UInt8(ascii: ".") else { throw SomaError("no name of a file") }
        let folder = Array(PathText.folder(of: path).utf8) + Array("/names".utf8)
        let own = folder + [UInt8(ascii: "/")] + name
        _ = (folder.withPath { mkdir($0, 0o700) }, own.withPath { mkdir($0, 0o700) })
        defer { _ = (own.withPath { rmdir($0) }, folder.withPath { rmdir($0) }) }
        _ = try ClassFolder.list(folder)
    }

    /// Bytes of one kind given to the readers of all.
    static let foreign = FileFormat(
        name: "files of other kinds", samples: Foreign.samples
    ) { path, bytes in
        _ = bytes.withUnsafeBytes { FileKind($0) }
        var refusals = 0
        do { _ = try SafetensorsFile(path: path) } catch is SomaError { refusals += 1 }
        do { _ = try IDXFile(path: path) } catch is SomaError { refusals += 1 }
        do { _ = try EncodedPicture(bytes, name: path) } catch is SomaError { refusals += 1 }
        if refusals == 3 { throw SomaError("it is none of them") }
        guard refusals == 2 else { throw Contradiction("a file of two kinds") }
    }
}
