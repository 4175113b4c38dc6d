/// Byte order marks of texts that people edit. Such texts are read as UTF-8.
package enum TextMark {
    private static let utf8: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// How many bytes a mark of UTF-8 takes, which some editors and spreadsheets put before a text; 0 where there is none.
    package static func length(in bytes: some Collection<UInt8>) -> Int { bytes.starts(with: utf8) ? utf8.count : 0 }

    /// What a text is in that is not UTF-8: UTF-16 or UTF-32, by their marks, or without one by a zero at every second byte. Nil for other bytes.
    package static func foreignEncoding(of bytes: some Collection<UInt8>) -> ForeignEncoding? {
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return .utf32 }
        if bytes.starts(with: [0xFF, 0xFE]) { return .utf16(isLittleEndian: true) }
        if bytes.starts(with: [0xFE, 0xFF]) { return .utf16(isLittleEndian: false) }
        let start = Array(bytes.prefix(64))
        guard start.count >= 8 else { return nil }
        let (even, odd) = ((start.indices.filter { $0 % 2 == 0 }), start.indices.filter { $0 % 2 == 1 })
        if even.allSatisfy({ isASCII(start[$0]) }), odd.allSatisfy({ start[$0] == 0 }) { return .utf16(isLittleEndian: true) }
        if odd.allSatisfy({ isASCII(start[$0]) }), even.allSatisfy({ start[$0] == 0 }) { return .utf16(isLittleEndian: false) }
        return nil
    }

    private static func isASCII(_ byte: UInt8) -> Bool { (0x20...0x7E).contains(byte) || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}

package enum ForeignEncoding: Hashable, Sendable, CustomStringConvertible {
    case utf16(isLittleEndian: Bool)
    case utf32

    package var description: String {
        switch self {
        case .utf16: "UTF-16"
        case .utf32: "UTF-32"
        }
    }
}
