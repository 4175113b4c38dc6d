import Soma

/// What pictures go through in training, so that no two passes over them are the same.
enum Augmentation: String, SettingChoice {
    /// A part of random size, shape and place, scaled.
    case crop
    /// Moved by up to an eighth of the side.
    case shift
    /// Mirrored from left to right, every second one.
    case flip
    /// Turned by up to 10°, and larger or smaller by up to a tenth.
    case turn
    /// Brightness, contrast and saturation changed by up to 0.4.
    case colour
}

/// What can be set of a recipe that trains on pictures in folders.
struct ImageSettings: Sendable {
    let side: Setting<Int>
    let channels = Setting("channels", 3, "3 for colour, 1 for grey", limits: "1 or 3") { $0 == 1 || $0 == 3 }
    let augmentations: Setting<[Augmentation]>
    let heldOut = Setting("held-out", 0.1, "share of pictures to test on where there is no folder val", in: 0.001...0.9)
    let isStrict = Setting("strict", false, "whether a picture that cannot be read ends the run")
    let accumulate = Setting("accumulate", 1, "batches whose gradients are added up for one update", in: 1...4096)
    let checkpoint = Setting("checkpoint", Recomputation.none, "what is computed again in the backward pass, to take less memory")

    init(side: Int, from smallest: Int, _ augmentations: [Augmentation]) {
        self.side = Setting("image-size", side, "rows and columns that pictures are brought to", in: smallest...1024)
        self.augmentations = Setting("augment", augmentations, "what pictures go through in training")
    }

    var all: [any AnySetting] { [side, channels, augmentations, heldOut, isStrict, accumulate, checkpoint] }

    /// The settings for the embedded digits, which are grey and need no folder.
    /// - Throws: `UsageError` for a setting that has no meaning there.
    func fitToDigits(_ settings: inout Settings, isResumed: Bool) throws {
        func refuse(_ setting: any AnySetting) throws -> Never {
            let value = settings.texts.first { $0.key == setting.key }?.value ?? ""
            throw UsageError("\(setting.key)=\(value) is for pictures in folders: without --data it trains on the embedded digits, grey and shifted at most")
        }
        // Earlier checkpoints of such runs say 3.
        if settings[channels] != 1 && settings.isChosen(channels) && !isResumed { try refuse(channels) }
        if settings[heldOut] != heldOut.defaultValue { try refuse(heldOut) }
        if settings[isStrict] != isStrict.defaultValue { try refuse(isStrict) }
        if !Set(settings[augmentations]).isSubset(of: [.shift]) { try refuse(augmentations) }
        settings.choose(channels, 1)
    }

    /// Scales the whole picture or, where there are pixels enough, its middle.
    func evaluation(_ settings: Settings) -> [any ImageTransform] {
        middle(settings[side]) + [normalization(settings)]
    }

    func training(_ settings: Settings) -> [any ImageTransform] {
        let (side, chosen) = (settings[side], Set(settings[augmentations]))
        var transforms: [any ImageTransform] = chosen.contains(.crop) ? [RandomResizedCrop(side, scale: 0.2...1)] : middle(side)
        if chosen.contains(.turn) { transforms.append(RandomAffine(degrees: 10, scale: 0.9...1.1)) }
        if chosen.contains(.shift) { transforms.append(RandomCrop(side, padding: max(1, side / 8))) }
        if chosen.contains(.flip) { transforms.append(RandomHorizontalFlip()) }
        if chosen.contains(.colour) { transforms.append(ColourJitter(brightness: 0.4, contrast: 0.4, saturation: 0.4)) }
        return transforms + [normalization(settings)]
    }

    private func middle(_ side: Int) -> [any ImageTransform] {
        // The margin is what published evaluations on 224 of 256 pixels leave out.
        [Resize(shorterSide: side < 64 ? side : side * 8 / 7), CentreCrop(side)]
    }

    private func normalization(_ settings: Settings) -> any ImageTransform {
        settings[channels] == 3 ? Normalize.imageNet : Normalize(mean: [0.449], deviation: [0.226])
    }
}
