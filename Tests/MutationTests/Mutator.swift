import Soma

/// A source of numbers that a seed decides (SplitMix64, G. Steele et al., 2014).
struct Dice {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(max(count, 1))) }
    mutating func pick<Element>(_ list: [Element]) -> Element { list[below(list.count)] }
}

/// Changes bytes as an accident or an enemy would.
struct Mutator {
    var dice: Dice
    /// Pieces that mean something in the format.
    let tokens: [[UInt8]]

    /// No input is longer: what a reader does with a long file, it does with many short ones.
    static let longest = 1 << 16

    mutating func mutate(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0...dice.below(dice.below(4) == 0 ? 8 : 2) { change(&result, other) }
        return Array(result.prefix(Self.longest))
    }

    private mutating func change(_ bytes: inout [UInt8], _ other: [UInt8]) {
        let place = dice.below(bytes.count + 1), count = min(dice.below(dice.below(2) == 0 ? 4 : 64) + 1, bytes.count - place)
        switch dice.below(12) {
        case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(dice.below(8))
        case 1 where place < bytes.count: bytes[place] = UInt8(truncatingIfNeeded: dice.next())
        case 2: bytes.removeSubrange(place..<place + count)
        case 3: bytes.removeSubrange(place...)
        case 4: bytes.insert(contentsOf: (0..<dice.below(8) + 1).map { _ in UInt8(truncatingIfNeeded: dice.next()) }, at: place)
        case 5: bytes.insert(contentsOf: bytes[place..<place + count], at: dice.below(bytes.count + 1))
        case 6: overwrite(&bytes, place, number())
        case 7: replaceDigits(&bytes)
        case 8 where !tokens.isEmpty: bytes.insert(contentsOf: dice.pick(tokens), at: place)
        case 9 where !tokens.isEmpty: overwrite(&bytes, place, dice.pick(tokens))
        case 10:
            let cut = dice.below(other.count + 1)
            bytes = Array(bytes[..<place] + other[cut...])
        case 11:
            let piece = Array(bytes[place..<place + count])
            for _ in 0..<dice.below(dice.below(16) == 0 ? 2000 : 20) where bytes.count < Self.longest { bytes.insert(contentsOf: piece, at: place) }
        default: break
        }
    }

    private func overwrite(_ bytes: inout [UInt8], _ place: Int, _ piece: [UInt8]) {
        for (offset, byte) in piece.enumerated() where place + offset < bytes.count { bytes[place + offset] = byte }
    }

    /// Numbers at which arithmetic goes wrong, of any width and in either order of bytes.
    private mutating func number() -> [UInt8] {
        let edges: [UInt64] = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 62, 1 << 63, .max, .max - 7]
        let value = dice.pick(edges) &+ UInt64(dice.below(3)) &- 1
        let bytes = withUnsafeBytes(of: value.littleEndian, Array.init).prefix(dice.pick([1, 2, 4, 8]))
        return dice.below(2) == 0 ? Array(bytes) : bytes.reversed()
    }

    /// The same for numbers that are written in digits.
    private mutating func replaceDigits(_ bytes: inout [UInt8]) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let places = bytes.indices.filter { digits.contains(bytes[$0]) && ($0 == 0 || !digits.contains(bytes[$0 - 1])) }
        guard let start = places.isEmpty ? nil : dice.pick(places) else { return }
        let end = bytes[start...].firstIndex { !digits.contains($0) } ?? bytes.count
        let texts = [
            "0", "-1", "1", "255", "256", "65536", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
            "18446744073709551615", "99999999999999999999", "1e308", "1e400", "-0.0", "0.1", "1e-320", "nan", "inf", "",
        ]
        bytes.replaceSubrange(start..<end, with: Array(dice.pick(texts).utf8))
    }
}
