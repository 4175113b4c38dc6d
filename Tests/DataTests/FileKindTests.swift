import Testing

@testable import Soma

/// Files that were given for others: what they are, and what to do.
@Suite struct FileKindTests {
    let folder = TemporaryFolder()

    /// The beginning of a zip archive with an entry of this name, which is not packed.
    private static func zip(_ name: String) -> [UInt8] {
        [0x50, 0x4B, 3, 4, 0, 0, 8, 8] + [UInt8](repeating: 0, count: 18) + [UInt8(name.utf8.count), 0, 0, 0] + Array(name.utf8) + [0x80, 2]
    }

    /// The header of a tar archive for an empty file, with or without the name of the format.
    private static func tar(_ name: String, isOld: Bool) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) { header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8) }
        put(name, at: 0)
        put("0000644\00001000\00001000\000000000000\014371574000\0        ", at: 100)
        if !isOld { put("ustar\0" + "00", at: 257) }
        let digits = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        put(String(repeating: "0", count: 6 - digits.count) + digits + "\0 ", at: 148)
        return header
    }

    private static let samples: [(bytes: [UInt8], words: [String])] = [
        (Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".utf8), ["pointer of Git LFS", "git lfs pull"]),
        (Array("\r\n<!DOCTYPE html>\n<html><body>404</body></html>".utf8), ["web page (HTML)", "fetch the file itself"]),
        (Array("\u{FEFF}<HTML><head>".utf8), ["web page (HTML)"]),
        (Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".utf8), ["XML", "server's error"]),
        (Array("{\"error\": \"Repository not found\"}".utf8), ["JSON", "server's error"]),
        (Array("{\n  \"detail\": \"rate limited\"\n}".utf8), ["JSON", "server's error"]),
        (Array("Entry not found".utf8), ["a text, “Entry not found”", "server's error"]),
        (zip("archive/data.pkl"), ["PyTorch (torch.save)", "safetensors.torch.save_file"]),
        (zip("model/.data/serialization_id"), ["PyTorch (torch.save)"]),
        ([0x80, 2, 0x8A, 10], ["Python pickle", "safetensors.torch.save_file"]),
        (zip("readme.txt"), ["zip archive", "unpack it"]),
        (Array("RIFF".utf8) + [1, 0, 0, 0] + Array("WEBPVP8 ".utf8), ["WebP picture", "convert it to PNG"]),
        ([0, 0, 0, 24] + Array("ftypheic".utf8), ["HEIF picture", "convert it"]),
        ([0x89] + Array("HDF\r\n".utf8), ["HDF5"]),
        (Array("%PDF-1.7".utf8), ["PDF document", "name the pictures"]),
        ([0x50, 0x4B, 5, 6] + [UInt8](repeating: 0, count: 18), ["empty zip archive", "fetch it again"]),
        (zip("arr_0.npy"), ["NumPy (npz)", "safetensors.numpy.save_file"]),
        (zip("metadata.json") + zip("config.json"), ["archive of Keras", "safetensors.numpy.save_file"]),
        ([0x93] + Array("NUMPY\u{1}\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }".utf8), ["NumPy (npy)", "PIL.Image.fromarray"]),
        (Array("GGUF\u{3}\0\0\0".utf8) + [UInt8](repeating: 1, count: 40), ["GGUF", "fetch the safetensors"]),
        ([0x1C, 0, 0, 0] + Array("TFL3".utf8) + [UInt8](repeating: 7, count: 40), ["TensorFlow Lite", "safetensors.numpy.save_file"]),
        ([0x08, 0x08, 0x12, 0x07] + Array("pytorch".utf8) + [0x1A, 0x05] + Array("2.1.0".utf8), ["ONNX model", "safetensors.numpy.save_file"]),
        ([0x7F] + Array("ELF".utf8) + [2, 1, 1, 0], ["program or a library (ELF)", "name the file"]),
        (tar("weights.bin", isOld: false), ["tar archive", "unpack it"]),
        (tar("weights.bin", isOld: true), ["tar archive", "unpack it"]),
        ([0xFF, 0xFE] + Array("<!DOCTYPE html><html></html>".utf16).flatMap(littleEndian), ["web page (HTML)"]),
        ([0xFE, 0xFF] + Array("<html></html>".utf16).flatMap { littleEndian($0.byteSwapped) }, ["web page (HTML)"]),
        (Array("<html></html>".utf16).flatMap(littleEndian), ["web page (HTML)"]),
        (Array("Entry not found".utf16).flatMap(littleEndian), ["a text in UTF-16", "server's error"]),
        (Array("\n\n  \n<!-- saved from url=(0022)http://example.org/ -->\n<!-- > -->\n<HTML>".utf8), ["web page (HTML)"]),
        (Array("<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\">".utf8), ["web page (HTML)"]),
        (Array("<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg width=\"1\"/>".utf8), ["SVG drawing", "PNG"]),
        (Array(("{\"rows\": [" + String(repeating: "1, ", count: 5000) + "2]}").utf8), ["JSON", "server's error"]),
        (Array(String(repeating: "a,b,c\n1,2,3\n", count: 1000).utf8), ["a table (CSV)", "no tables are read"]),
        (Array("BMI,age\n21.5,44\n".utf8), ["a table (CSV)"]),
        (Array(("Once" + String(repeating: " upon a time … ü", count: 1000)).utf8), ["a text, “Once upon a time … ü"]),
    ]

    @Test func everyReaderSaysWhatItWasGiven() {
        for (bytes, words) in Self.samples {
            for name in ["x.safetensors", "x-idx3-ubyte", "x.png"] {
                let path = folder.file(name, bytes)
                do {
                    if name == "x.safetensors" {
                        _ = try SafetensorsFile(path: path)
                    } else if name == "x.png" {
                        _ = try Picture(path: path)
                    } else {
                        _ = try IDXFile(path: path)
                    }
                    Issue.record("\(name) of \(words) was read")
                } catch {
                    for word in ["\(path) "] + words { #expect("\(error)".contains(word), "\(error)") }
                    #expect("\(error)".unicodeScalars.allSatisfy { $0 != "\n" })
                }
            }
        }
    }

    @Test func readersKnowOneAnother() throws {
        let picture = try Picture(width: 1, height: 1, channels: 1, pixels: [7]).encoded()
        expectError("is not a usable safetensors file (it has no header) but a PNG picture") { _ = try SafetensorsFile(path: folder.file("a", picture)) }
        expectError("is not an IDX file but a PNG picture") { _ = try IDXFile(path: folder.file("b", picture)) }
        let idx = IDXTests.idx(8, [1, 1, 1], [7])
        expectError("neither a PNG nor a JPEG file but an IDX file") { _ = try Picture(path: folder.file("c", idx)) }
        expectError("is not a usable safetensors file (it has no header) but gzip data", "gunzip") { _ = try SafetensorsFile(path: folder.file("d", gzipStored(idx))) }
        expectError("does not pack an IDX file but a PNG picture") { _ = try IDXFile(path: folder.file("e", gzipStored(picture))) }
        let path = "\(folder.path)/f"
        try SafetensorsFile.write([], to: path)
        expectError("is not an IDX file but a safetensors file") { _ = try IDXFile(path: path) }
    }

    /// What an editor has put before a text is no part of it.
    @Test func marksOfTexts() throws {
        let text = "{\"a\": 1}"
        #expect(try JSON(edited: [0xEF, 0xBB, 0xBF] + Array(text.utf8)) == ["a": 1] && JSON(edited: Array(text.utf8)) == ["a": 1])
        expectError("byte 0") { _ = try JSON(edited: [0xBB, 0xBF] + Array(text.utf8)) }
        expectError("byte 0") { _ = try JSON(edited: [0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF] + Array(text.utf8)) }
        expectError("byte 0: it ends early") { _ = try JSON(edited: []) }
        for wide in [[0xFF, 0xFE] + Array(text.utf16).flatMap(littleEndian), Array(text.utf16).flatMap { littleEndian($0.byteSwapped) }] {
            let kind = try #require(wide.withUnsafeBytes { FileKind($0, otherThan: FileKind.json) })
            #expect("\(kind.error("x", "is not a configuration"))" == "x is not a configuration but a text in UTF-16; save it as UTF-8")
        }
    }

    /// What cannot be told is refused as it ever was.
    @Test func otherBytesAreOfNoKind() {
        for bytes: [UInt8] in [[], [1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Array("hello".utf8), Array("hello\0there".utf8), Array("BM".utf8) + [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            [8, 1, 18, 200, 1, 2, 3], [UInt8](repeating: 0x30, count: 511) + [1],
        ] {
            #expect(bytes.withUnsafeBytes { FileKind($0) } == nil)
        }
    }

    /// A name of any length leaves an error that can be read.
    @Test func errorsAreNoLongerThanAReaderReads() {
        let name = String(repeating: "n", count: 1_000_000)
        let error = SomaError("a/path: tensor '\(name)' has no valid shape")
        #expect(error.message.hasPrefix("a/path: tensor 'nnn") && error.message.hasSuffix("n' has no valid shape"))
        #expect(error.message.utf8.count < 6000)
        let accents = SomaError("a" + String(repeating: "\u{301}", count: 100_000))
        #expect(accents.message.utf8.count < 12_000)
    }
}
