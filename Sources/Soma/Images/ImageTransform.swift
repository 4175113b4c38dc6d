import SomaGraph

/// A step from a picture of a file to what a model takes: cropping, scaling, flipping, another colour.
///
/// Transforms are small values, written down in the order in which they are done:
///
/// ```swift
/// let training: [any ImageTransform] = [
///     RandomResizedCrop(224), RandomHorizontalFlip(), ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4),
///     Normalize.imageNet,
/// ]
/// let evaluation: [any ImageTransform] = [Resize(shorterSide: 256), CentreCrop(224), Normalize.imageNet]
/// ```
public protocol ImageTransform: Sendable {
    /// The size of the result for pictures of the given size; nil where that depends on the picture.
    func size(after size: PictureSize?) -> PictureSize?

    /// Changes a picture. `random` is a sequence of its own for this picture, this epoch and this transform, so the
    /// result does not depend on the order in which pictures are read.
    /// - Throws: `SomaError` where the picture cannot be decoded.
    func apply(to image: inout ImageSample, random: inout Philox) throws
}
