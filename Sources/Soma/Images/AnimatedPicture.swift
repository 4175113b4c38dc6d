import SomaGraph

/// Writes pictures of one size that follow one another as a PNG file that moves (APNG), which browsers play; whoever knows nothing of the animation
/// shows a picture of its own, the poster.
///
/// W3C, *Portable Network Graphics (PNG) Specification (Third Edition)*, sections 11.3.6 and 13.
public enum AnimatedPicture {
    /// Writes an animation that is played over and over; one frame after the other is in memory.
    /// - Parameters:
    ///   - count: frames, from 1.
    ///   - poster: what is shown where nothing moves; it has the size of all and is no frame.
    ///   - milliseconds: how long each frame stays, and how long the last; to 65,535.
    ///   - frame: the picture of a number from 0.
    /// - Throws: `SomaError` where a frame has another size than the poster, or the file cannot be written; what `frame` throws. The old file is then
    ///   untouched.
    public static func write(
        _ count: Int, poster: Picture, milliseconds: Int = 200, lastMilliseconds: Int = 2000, to path: String, links: LinkPolicy = .followed,
        frame: (Int) throws -> Picture
    ) throws {
        let durations = 0...Int(UInt16.max)
        guard count > 0, count <= Int(Int32.max) / 2, durations.contains(milliseconds), durations.contains(lastMilliseconds) else {
            programError("AnimatedPicture", "\(count) frames of \(milliseconds) and \(lastMilliseconds) ms")
        }
        try AtomicFile.write(to: path, links: links) { file in
            func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try file.append($0) } }
            let still = try PNGChunks(poster)
            try append(PNGChunks.signature + PNGChunks.chunk("IHDR", still.header))
            // No number of plays: for ever.
            try append(PNGChunks.chunk("acTL", PNGChunks.bigEndian(UInt32(count)) + PNGChunks.bigEndian(UInt32(0))))
            for part in still.data { try append(PNGChunks.chunk("IDAT", part)) }
            var sequence: UInt32 = 0
            for number in 0..<count {
                let picture = try frame(number)
                let chunks = try PNGChunks(picture)
                guard chunks.header == still.header else {
                    throw SomaError("frame \(number + 1) of \(path) is \(picture.size) with \(picture.channels) channels, the others \(poster.size) with \(poster.channels)")
                }
                try append(PNGChunks.chunk("fcTL", control(sequence, poster.size, number == count - 1 ? lastMilliseconds : milliseconds)))
                sequence += 1
                for part in chunks.data {
                    try append(PNGChunks.chunk("fdAT", PNGChunks.bigEndian(sequence) + part))
                    sequence += 1
                }
            }
            try append(PNGChunks.chunk("IEND", []))
        }
    }

    /// A frame that covers the whole picture and replaces the one before.
    private static func control(_ sequence: UInt32, _ size: PictureSize, _ milliseconds: Int) -> [UInt8] {
        let numbers = [sequence, UInt32(size.width), UInt32(size.height), 0, 0].flatMap { PNGChunks.bigEndian($0) }
        return numbers + PNGChunks.bigEndian(UInt16(milliseconds)) + PNGChunks.bigEndian(UInt16(1000)) + [0, 0]
    }
}
