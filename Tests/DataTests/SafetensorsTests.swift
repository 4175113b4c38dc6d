import Testing

@testable import Soma

@Suite struct SafetensorsTests {
    let folder = TemporaryFolder()

    private func file(header: String, data: [UInt8] = [], length: UInt64? = nil) -> String {
        folder.file("x.safetensors", littleEndian(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data)
    }

    @Test func writtenTensorsComeBack() throws {
        let path = "\(folder.path)/a.safetensors"
        try SafetensorsFile.write(
            [
                (.init(name: "mask", elementType: .bool, shape: [3]), [1, 0, 1]),
                (.init(name: "b", elementType: .float32, shape: [2, 1]), Array(1...8)),
                (.init(name: "step", elementType: .int64, shape: []), littleEndian(Int64(-7))),
                (.init(name: "a\"\\\n😀", elementType: .float32, shape: [0, 5]), []),
                (.init(name: "half", elementType: .bfloat16, shape: [2]), [9, 8, 7, 6]),
            ], metadata: ["epoch": "3", "note": "line\nbreak \u{1}"], to: path)
        let file = try SafetensorsFile(path: path)
        #expect(file.tensors.map(\.name) == ["step", "a\"\\\n😀", "b", "half", "mask"])
        #expect(file.metadata == ["epoch": "3", "note": "line\nbreak \u{1}"])
        #expect(try file.withBytes(of: "b", Array.init) == Array(1...8))
        #expect(try file.withBytes(of: "step") { $0.loadUnaligned(as: Int64.self) } == -7)
        #expect(try file.withBytes(of: "mask", Array.init) == [1, 0, 1])
        #expect(file["b"]?.shape == [2, 1])
        #expect(file["mask"]?.elementType == .bool)
        #expect(file["c"] == nil)
        expectError(path, "no tensor 'c'") { try file.withBytes(of: "c") { _ in } }
        let bytes = try #require(contents(path))
        let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(headerLength % 8 == 0)
    }

    /// The bytes that the reference library (safetensors 0.8, `safetensors.numpy.save`) writes for the same tensors.
    @Test func bytesAreThoseOfTheReferenceLibrary() throws {
        let path = "\(folder.path)/a.safetensors"
        try SafetensorsFile.write(
            [
                (.init(name: "b", elementType: .uint8, shape: [3]), [1, 2, 3]),
                (.init(name: "a", elementType: .float32, shape: [1, 2]), [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]),
            ], metadata: ["k": "v"], to: path)
        let header =
            #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"#
            + #""b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}"#
        let padded = header + String(repeating: " ", count: 136 - header.utf8.count)
        #expect(
            contents(path) == littleEndian(UInt64(136)) + Array(padded.utf8) + [
                0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 1, 2, 3,
            ])
    }

    /// Names are bytes: two that a reader cannot tell apart are two tensors, as the reference library has it.
    @Test func namesInTwoFormsOfUnicode() throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let header =
            #"{"__metadata__":{"\#(composed)":"1","\#(decomposed)":"2"},"\#(composed)":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
            + #""\#(decomposed)":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}"#
        let file = try SafetensorsFile(path: file(header: header, data: [7, 8]))
        #expect(try file.withBytes(of: composed, Array.init) == [7] && file.withBytes(of: decomposed, Array.init) == [8])
        #expect(file.metadataEntries.map(\.value) == ["1", "2"])
        let path = "\(folder.path)/both.safetensors"
        try SafetensorsFile.write(file.tensors.map { tensor in (tensor, try file.withBytes(of: tensor.name, Array.init)) }, to: path)
        let copy = try SafetensorsFile(path: path)
        #expect(try copy.withBytes(of: composed, Array.init) == [7] && copy.withBytes(of: decomposed, Array.init) == [8])
        let json = try JSON(parsing: #"{"\#(composed)":1,"\#(decomposed)":2}"#)
        #expect(json[composed] == 1 && json[decomposed] == 2)
        expectError("'\(composed)' occurs twice") { _ = try JSON(parsing: #"{"\#(composed)":1,"\#(composed)":2}"#) }
    }

    @Test func emptyFileOfNoTensors() throws {
        let path = "\(folder.path)/a.safetensors"
        try SafetensorsFile.write([], to: path)
        #expect(try SafetensorsFile(path: path).tensors.isEmpty)
    }

    @Test func aFailingSourceLeavesTheOldFile() throws {
        let path = "\(folder.path)/a.safetensors"
        try SafetensorsFile.write([(.init(name: "a", elementType: .uint8, shape: [1]), [5])], to: path)
        let old = contents(path)
        expectError("device lost") {
            try SafetensorsFile.write([.init(name: "a", elementType: .uint8, shape: [1])], to: path) { _, append in
                throw SomaError("device lost")
            }
        }
        #expect(contents(path) == old)
        #expect(folder.names == ["a.safetensors"])
    }

    @Test func namesEveryFaultOfTheFrame() {
        func check(_ path: String, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation) {
            expectError(path, reason, sourceLocation: sourceLocation) { _ = try SafetensorsFile(path: path) }
        }
        check(folder.file("x", []), "0 bytes")
        check(folder.file("x", [1, 2, 3]), "3 bytes")
        check(file(header: "{}", length: 3), "claims 3 bytes, the file has 2")
        check(file(header: "{}", length: .max), "more than the format allows")
        check(file(header: "{}", length: 100_000_001), "more than the format allows")
        check(file(header: " {}"), "not a JSON object")
        check(file(header: "[]"), "not a JSON object")
        check(file(header: "{} {}"), "text after the end")
        check(file(header: "{\"a\":"), "ends early")
        check(file(header: #"{"__metadata__":[]}"#), "not an object")
        check(file(header: #"{"__metadata__":{"a":1}}"#), "'a' is not a string")
        check(file(header: "{}", data: [1]), "1 bytes after its last tensor")
        expectError("No such file") { _ = try SafetensorsFile(path: "/proc/nonexistent/a") }
    }

    @Test(arguments: [
        (
            #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"U8","shape":[0],"data_offsets":[8,8]}"#,
            "'a' occurs twice"
        ),
        (#""a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}"#, "'dtype' occurs twice"),
        (#""a":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}"#, "unknown dtype \"F33\""),
        (#""a":{"dtype":"F32","shape":[2]}"#, "exactly dtype, shape and data_offsets"),
        (#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}"#, "exactly dtype, shape and data_offsets"),
        (#""a":3"#, "exactly dtype"),
        (#""a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#, "no valid shape"),
        (#""a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}"#, "no valid shape"),
        (#""a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}"#, "no valid shape"),
        (#""a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#, "no valid data_offsets"),
        (#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}"#, "no valid data_offsets"),
        (#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551616]}"#, "no valid data_offsets"),
        (#""a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}"#, "8 bytes, which is not F32 [3]"),
        (#""a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}"#, "which is not F32"),
        (#""a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}"#, "which is not F32"),
        (#""a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}"#, "truncated: its tensors take 12 bytes, it has 8"),
        (#""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#, "4 bytes before tensor 'a' belong to none"),
        (
            #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#,
            "overlaps"
        ),
        (
            #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}"#,
            "1 bytes before"
        ),
    ])
    func namesEveryFaultOfATensor(members: String, reason: String) {
        let path = file(header: "{\(members)}", data: [UInt8](repeating: 0, count: 8))
        expectError(path, reason) { _ = try SafetensorsFile(path: path) }
    }

    /// Whatever byte of a file is damaged or wherever it is cut, opening it gives a file or an error.
    @Test func survivesDamageAnywhere() throws {
        let path = "\(folder.path)/a.safetensors"
        try SafetensorsFile.write(
            [(.init(name: "a", elementType: .uint8, shape: [2]), [5, 6])], metadata: ["k": "v"], to: path)
        let good = try #require(contents(path))
        var refused = 0
        for position in good.indices {
            for damage: UInt8 in [0, 0x22, 0x39, 0x7B, 0xFF] {
                var bad = good
                bad[position] = damage
                do { _ = try SafetensorsFile(path: folder.file("bad", bad)) } catch is SomaError { refused += 1 }
            }
            expectError("bad") { _ = try SafetensorsFile(path: folder.file("bad", Array(good[..<position]))) }
        }
        #expect(refused > good.count)
    }
}

@Suite struct JSONTests {
    @Test(arguments: [
        "null", "true", "[1,-2.5e+3,0]", #"{"a":[{}],"b":"é😀"}"#, #""\"\\\n""#, "[]", #""\u0001""#,
    ]) func roundTrips(text: String) throws {
        #expect(try JSON(parsing: text).description == text)
    }

    @Test func readsEscapesAndNumbers() throws {
        #expect(try JSON(parsing: #" "\u00e9\ud83d\ude00\/\b" "#) == .string("é😀/\u{8}"))
        #expect(try JSON(parsing: "9223372036854775807").integer == .max)
        #expect(try JSON(parsing: "9223372036854775808").integer == nil)
        #expect(try JSON(parsing: "-1e3").double == -1000)
        #expect(JSON(Double.nan) == .null)
    }

    @Test(arguments: [
        "", "[1,]", "{,}", "[1 2]", "{\"a\" 1}", "{a:1}", "01", "1.", "-", "+1", ".5", "1e", "nul", "truex", "\"a",
        "\"\t\"",
        #""\x""#, #""\u12g4""#, #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "[", "{\"a\":1", "NaN", "\u{FEFF}1",
        String(repeating: "[", count: 100_000),
    ]) func refuses(text: String) {
        expectError("broken JSON") { _ = try JSON(parsing: text) }
    }

    @Test func refusesBytesThatAreNotUTF8() {
        for bad: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22]] {
            expectError("not UTF-8") { _ = try bad.withUnsafeBytes { try JSON(parsing: $0) } }
        }
    }
}
