import SomaGraph

/// The parts of a PNG file.
struct PNGChunks {
    /// The data of IHDR: size, depth and channels.
    private(set) var header: [UInt8] = []
    /// The data of each IDAT.
    private(set) var data: [[UInt8]] = []

    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// - Throws: `SomaError` where the picture cannot be encoded.
    init(_ picture: Picture) throws {
        let bytes = try picture.encoded()
        var place = Self.signature.count
        while place + 12 <= bytes.count {
            let length = bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
            let (name, body) = (bytes[place + 4..<place + 8], bytes[place + 8..<place + 8 + length])
            if name.elementsEqual("IHDR".utf8) { header = Array(body) }
            if name.elementsEqual("IDAT".utf8) { data.append(Array(body)) }
            place += length + 12
        }
    }

    static func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + data
        return bigEndian(UInt32(data.count)) + body + bigEndian(CRC32.of(body))
    }

    static func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
}

extension Picture {
    /// Writes the picture to a PNG file with a text beside the pixels, as a chunk iTXt in UTF-8 that viewers pass over.
    /// - Parameters:
    ///   - text: what is kept; without the byte 0.
    ///   - keyword: what the text is called: from 1 to 79 characters of ASCII, without spaces at its ends.
    /// - Throws: `SomaError` naming the file and the reason; the old file is then untouched.
    public func write(to path: String, text: String, keyword: String, links: LinkPolicy = .followed) throws {
        guard (1...79).contains(keyword.utf8.count), keyword.utf8.allSatisfy({ (32...126).contains($0) }), keyword.first != " ", keyword.last != " ",
            !text.utf8.contains(0)
        else { programError("picture", "a text of \(text.utf8.count) bytes called '\(keyword)' is none that a PNG file can hold") }
        let chunks = try PNGChunks(self)
        // Not compressed, in no language, and without a translated keyword.
        let body = Array(keyword.utf8) + [0, 0, 0, 0, 0] + Array(text.utf8)
        var bytes = PNGChunks.signature + PNGChunks.chunk("IHDR", chunks.header) + PNGChunks.chunk("iTXt", body)
        for part in chunks.data { bytes += PNGChunks.chunk("IDAT", part) }
        try AtomicFile.write(bytes + PNGChunks.chunk("IEND", []), to: path, links: links)
    }
}
