/// The cyclic redundancy check of PNG and gzip: the polynomial 0xEDB88320 of ISO 3309, bits reflected.
enum CRC32 {
    /// The check of all bytes; 0xCBF43926 for "123456789".
    static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ value >> 1 : value >> 1 }
    }
}
