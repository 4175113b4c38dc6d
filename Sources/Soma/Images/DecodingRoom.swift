/// Bounds the memory that pictures take while they are decoded and transformed, over all threads that do so: those for
/// which there is no room wait. A picture that is larger than all of the room is decoded alone.
final class DecodingRoom: Sendable {
    static let shared = DecodingRoom(byteCount: 1 << 30)

    /// What a pixel takes at most: 6 bytes of coefficients where JPEG files come in several scans, or 4 of an interlaced PNG
    /// file with transparency; 3 decoded, and 3 of a copy.
    private static let bytesPerPixel = 12

    private let byteCount: Int
    private let taken = Monitor(0)

    init(byteCount: Int) { self.byteCount = byteCount }

    /// Calls `body` as soon as there is room for a picture of this size.
    func use<R>(for size: PictureSize, _ body: () throws -> R) rethrows -> R {
        let need = size.height * size.width * Self.bytesPerPixel
        taken.wait { taken -> Void? in
            guard taken == 0 || taken + need <= byteCount else { return nil }
            taken += need
            return ()
        }
        defer { taken.change { $0 -= need } }
        return try body()
    }
}
