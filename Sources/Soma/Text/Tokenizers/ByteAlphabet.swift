/// The 256 characters by which files of byte-level vocabularies write bytes, as GPT-2 had it: the bytes that are printable in Latin-1 are
/// themselves, the others are U+0100 and up, in their order. A space is `Ġ`, a line feed `Ċ`.
enum ByteAlphabet {
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0...255).map { byte in
            let isPrintable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
            if !isPrintable { next += 1 }
            return Unicode.Scalar(isPrintable ? UInt32(byte) : next - 1) ?? "\u{FFFD}"
        }
    }()

    private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(uniqueKeysWithValues: scalars.enumerated().map { ($1, UInt8($0)) })

    /// The bytes that a name stands for; nil where it has a character that is none of the alphabet.
    static func bytes(of name: some StringProtocol) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(name.utf8.count)
        for scalar in name.unicodeScalars {
            guard let byte = bytes[scalar] else { return nil }
            result.append(byte)
        }
        return result
    }

    /// The name of bytes.
    static func name(of bytes: some Sequence<UInt8>) -> String {
        var name = String.UnicodeScalarView()
        for byte in bytes { name.append(scalars[Int(byte)]) }
        return String(name)
    }
}
