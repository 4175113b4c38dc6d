import SomaGraph

/// Pictures in a folder for each class, as ImageNet has them:
///
///     FOLDER/cat/1.jpg                 FOLDER/train/cat/1.jpg
///     FOLDER/cat/tabby/2.png     or    FOLDER/train/dog/2.jpg
///     FOLDER/dog/3.jpeg                FOLDER/val/cat/3.jpg
///
/// The classes are the folders' names in Unicode's composed form (NFC), sorted by their bytes: a copy on macOS, which keeps names decomposed,
/// has the same classes. Pictures are all files below them that end in png, jpg or jpeg. The second form is `train` beside one of `val`,
/// `valid`, `validation` or `test`, the first of which is held out, and no other folder; `train` beside `plane` is a class. Making one lists
/// the files; pictures are only read when a batch needs them.
///
/// ```swift
/// let folder = try ImageFolder(path: "flowers", validationFraction: 0.1, seed: 0)
/// let training = folder.training([RandomResizedCrop(224), RandomHorizontalFlip(), Normalize.imageNet], seed: 1)
/// let validation = folder.validation([Resize(shorterSide: 256), CentreCrop(224), Normalize.imageNet])
/// ```
public struct ImageFolder: Sendable {
    /// As it was given.
    public let path: String
    /// The names of the classes; a label is a place in this list.
    public let classes: [String]
    /// Remarks on the folder, a line each: classes that are in one part alone, folders that are not used.
    public let remarks: [String]
    /// Files that are no pictures and pictures of no class, which were passed over.
    public let ignoredCount: Int
    /// Whether folders, and not chance, decide what is held out.
    public let isSplit: Bool
    let trainingList: ImageList
    let validationList: ImageList

    /// Lists a folder.
    /// - Parameters:
    ///   - validationFraction: the share of pictures to hold out where there is no folder `val`.
    ///   - seed: decides which these are.
    ///   - known: classes whose labels are given, as by a checkpoint: the folder's classes come in this order, those that are not among them last.
    /// - Throws: `SomaError` that names the folder where it cannot be read, where there are fewer than two classes,
    ///   where a class has no pictures or two folders, and where `val` has classes that `train` has not.
    public init(path: String, validationFraction: Double = 0.1, seed: UInt64 = 0, labelledAs known: [String] = []) throws {
        guard (0..<1).contains(validationFraction) else {
            programError("ImageFolder", "\(validationFraction) is no fraction to hold out")
        }
        let layout = try ImageFolderLayout(path, labelledAs: known)
        let training = try ImageFolderScan(layout.training, classes: layout.classes, mayLackPictures: false)
        (self.path, classes, isSplit) = (path, layout.classes, layout.validation != nil)
        if let folder = layout.validation {
            let validation = try ImageFolderScan(folder, classes: layout.classes, mayLackPictures: true)
            guard validation.list.count > 0 else { throw SomaError("\(layout.text(folder)) holds no pictures") }
            (trainingList, validationList) = (training.list, validation.list)
            ignoredCount = training.ignoredCount + validation.ignoredCount
            remarks = layout.remarks + Self.lonely(layout.classes, in: validation.list, "has no pictures in \(layout.text(folder))")
        } else {
            (trainingList, validationList) = training.list.split(heldOut: validationFraction, seed: seed)
            ignoredCount = training.ignoredCount
            remarks = validationList.count > 0 ? Self.lonely(layout.classes, in: validationList, "has no pictures held out: it has too few") : []
            guard trainingList.count > 0 else { throw SomaError("\(path) holds too few pictures to train on and to hold out") }
        }
    }

    /// A line that names the classes of which a list has no picture.
    private static func lonely(_ classes: [String], in list: ImageList, _ what: String) -> [String] {
        let present = Set(list.labels)
        let missing = classes.indices.filter { !present.contains(Int32($0)) }.map { classes[$0] }
        guard let first = missing.first else { return [] }
        return [missing.count == 1 ? "the class '\(first)' \(what)" : "the class '\(first)' \(what), and so it is with \(missing.count - 1) more"]
    }

    /// Refuses a folder of which nothing is held out.
    /// - Throws: `SomaError` where nothing is held out, as of nine pictures a tenth would be.
    public func requireHeldOut() throws {
        if validationCount > 0 { return }
        throw SomaError("\(path) holds too few pictures to hold some out", hint: "there are \(trainingCount)")
    }

    /// How many pictures there are to train on.
    public var trainingCount: Int { trainingList.count }
    /// How many are held out.
    public var validationCount: Int { validationList.count }

    /// The pictures to train on.
    /// - Parameters:
    ///   - transforms: what is done with each; they must lead to one size for all.
    ///   - channels: 3, or 1 for grey.
    ///   - seed: decides what the transforms draw at random.
    ///   - unreadable: what becomes of pictures that cannot be read.
    public func training(
        _ transforms: [any ImageTransform], channels: Int = 3, seed: UInt64 = 0, unreadable: UnreadablePolicy = .replaced
    ) -> ImageFileDataSet {
        ImageFileDataSet(trainingList, transforms, channels: channels, seed: seed, unreadable: unreadable)
    }

    /// The pictures that are held out; see `training`. Those that cannot be read are left out, so that no other counts twice.
    public func validation(
        _ transforms: [any ImageTransform], channels: Int = 3, seed: UInt64 = 0, unreadable: UnreadablePolicy = .leftOut
    ) -> ImageFileDataSet {
        ImageFileDataSet(validationList, transforms, channels: channels, seed: seed, unreadable: unreadable)
    }
}
