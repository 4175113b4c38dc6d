import CImages

/// A picture as its PNG or JPEG file has it: its size is known, its pixels are decoded when they are asked for.
///
/// Where the file says by the tag Orientation of its Exif data how the camera was held, the picture is upright.
struct EncodedPicture: Sendable {
    private enum Format { case png, jpeg }

    let size: PictureSize
    private let format: Format
    private let bytes: [UInt8]
    private let name: String
    /// The Exif tag: 1, upright, to 8. From 5 on rows are columns.
    private let orientation: UInt32

    /// Files of pictures are smaller than this.
    static let fileLimit = 1 << 29

    /// - Throws: `SomaError` naming the file and whether it is missing, empty, no picture, broken or too large.
    init(path: String) throws { try self.init(path: Array(path.utf8)) }

    /// A file whose path need not be UTF-8.
    init(path: [UInt8]) throws { try self.init(SmallFile.read(path, limit: Self.fileLimit), name: path.pathText) }

    init(_ bytes: [UInt8], name: String) throws {
        guard !bytes.isEmpty else { throw SomaError("\(name) is empty") }
        let format: Format
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            format = .png
        } else if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
            format = .jpeg
        } else {
            let denial = "is neither a PNG nor a JPEG file"
            throw bytes.withUnsafeBytes({ FileKind($0) })?.error(name, denial) ?? SomaError("\(name) \(denial)")
        }
        var (width, height): (UInt32, UInt32) = (0, 0)
        try Picture.call("cannot read \(name)") { reason in
            switch format {
            case .png: soma_png_size(bytes, bytes.count, Picture.limits, &width, &height, reason)
            case .jpeg: soma_jpeg_size(bytes, bytes.count, Picture.limits, &width, &height, reason)
            }
        }
        (self.bytes, self.name, self.format) = (bytes, name, format)
        orientation =
            switch format {
            case .png: soma_png_orientation(bytes, bytes.count)
            case .jpeg: soma_jpeg_orientation(bytes, bytes.count)
            }
        if orientation >= 5 { swap(&width, &height) }
        size = PictureSize(height: Int(height), width: Int(width))
    }

    /// The picture's pixels.
    /// - Parameters:
    ///   - channels: 1 or 3; nil for what the file has.
    ///   - eighths: a JPEG picture may be made smaller by eighths / 8 while it is decoded, which is faster.
    func decoded(channels: Int? = nil, eighths: Int = 8) throws -> Picture {
        var picture = soma_picture()
        try Picture.call("cannot read \(name)") { reason in
            switch format {
            case .png: soma_png_decode(bytes, bytes.count, Picture.limits, .max, &picture, reason)
            case .jpeg:
                soma_jpeg_decode(
                    bytes, bytes.count, Picture.limits, UInt32(eighths), channels == 1 ? 1 : 0, &picture, reason)
            }
        }
        let result = Picture(&picture).upright(from: orientation)
        switch channels {
        case 1: return result.grey
        case 3: return result.colour
        default: return result
        }
    }

    /// The smallest number of eighths by which `region` still has at least the pixels of `target`; 8 where there is no
    /// such choice. Of the others libjpeg-turbo has no vector code: they take longer than the whole picture.
    func eighths(for region: PictureRegion, target: PictureSize) -> Int {
        guard format == .jpeg else { return 8 }
        return [1, 2, 4].first { eighths in
            region.height * Double(eighths) >= 8 * Double(target.height)
                && region.width * Double(eighths) >= 8 * Double(target.width)
        } ?? 8
    }
}

extension Picture {
    /// The picture as it is meant to be seen, from the Exif tag Orientation.
    fileprivate func upright(from orientation: UInt32) -> Picture {
        if orientation == 1 { return self }
        let target = orientation >= 5 ? PictureSize(height: width, width: height) : size
        return withForeign { source in
            var source = source
            return Picture(target, channels: channels) { soma_orient(&source, orientation, &$0) }
        }
    }
}
