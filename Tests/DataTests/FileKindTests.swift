import Testing

@testable import Soma

/// Files that were given for others: what they are, and what to do.
@Suite struct FileKindTests {
    let folder = TemporaryFolder()

    /// The beginning of a zip archive with an entry of this name, which is not packed.
    private static func zip(_ name: String) -> [UInt8] {
        [0x50, 0x4B, 3, 4, 0, 0, 8, 8] + [UInt8](repeating: 0, count: 18) + [UInt8(name.utf8.count), 0, 0, 0] + Array(name.utf8) + [0x80, 2]
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
        (Array("%PDF-1.7".utf8), ["PDF document"]),
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

    /// What cannot be told is refused as it ever was.
    @Test func otherBytesAreOfNoKind() {
        for bytes: [UInt8] in [[], [1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], Array("hello".utf8), Array("hello\0there".utf8)] {
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
