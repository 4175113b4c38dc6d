import Glibc
import Testing

@testable import Soma

/// A folder of its own for a test, removed with all it holds when the test ends.
final class TemporaryFolder {
    let path: String

    init() {
        var template = Array("/tmp/soma-data-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        // Of what a link leads to nothing is removed.
        if Glibc.unlink(path) != 0 {
            for name in names(path) { remove("\(path)/\(name)") }
            rmdir(path)
        }
    }

    /// The names of the files in the folder, hidden ones included.
    var names: [String] { Self.names(path) }

    private static func names(_ path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    /// Writes a file, with the folders above it, and returns its path.
    @discardableResult
    func file(_ name: String, _ bytes: [UInt8]) -> String {
        folder(name.split(separator: "/").dropLast().joined(separator: "/"))
        let path = "\(path)/\(name)"
        let file = fopen(path, "wb")!
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        return path
    }
}

extension TemporaryFolder {
    /// Makes a folder and those above it.
    func folder(_ name: String) {
        var whole = path
        for part in name.split(separator: "/") {
            whole += "/\(part)"
            mkdir(whole, 0o777)
        }
    }
}

func contents(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "rb") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return bytes
}

/// Expects a `SomaError` of one line that contains all the given words.
func expectError(_ words: String..., sourceLocation: SourceLocation = #_sourceLocation, from body: () throws -> Void) {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as SomaError {
        // Foundation finds no empty text in another, where it is imported; the standard library does.
        for word in words where !word.isEmpty && !error.description.contains(word) {
            Issue.record("'\(error)' lacks '\(word)'", sourceLocation: sourceLocation)
        }
        #expect(!error.description.contains("\n"), sourceLocation: sourceLocation)
    } catch {
        Issue.record("not a SomaError: \(error)", sourceLocation: sourceLocation)
    }
}

/// The most bytes that this process has ever had addresses for.
func largestAddressSpace() -> Int {
    let status = contents("/proc/self/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") } ?? ""
    return (Int(line.filter(\.isNumber)) ?? 0) << 10
}

func bigEndian(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian, Array.init) }
func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian, Array.init) }

/// The checksum of gzip and PNG (CRC-32, polynomial 0xEDB88320), bit by bit.
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { crc, byte in
        (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
}

/// Data in one gzip member of stored, that is uncompressed, blocks.
func gzipStored(_ bytes: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    var rest = bytes[...]
    repeat {
        let block = rest.prefix(65535)
        rest = rest.dropFirst(block.count)
        result.append(rest.isEmpty ? 1 : 0)
        result += littleEndian(UInt16(block.count)) + littleEndian(~UInt16(block.count)) + block
    } while !rest.isEmpty
    return result + littleEndian(crc32(bytes)) + littleEndian(UInt32(truncatingIfNeeded: bytes.count))
}

/// The folder of real data sets that SOMA_DATA names; tests that need it are skipped, and say so, without it.
let dataFolder: String? = {
    guard let value = getenv("SOMA_DATA") else {
        print("SOMA_DATA is not set: tests with real MNIST files are skipped")
        return nil
    }
    return String(cString: value)
}()
