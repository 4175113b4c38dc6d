import SomaGraph

/// Pictures in a folder for each class, as ImageNet has them:
///
///     FOLDER/cat/1.jpg                 FOLDER/train/cat/1.jpg
///     FOLDER/cat/tabby/2.png     or    FOLDER/train/dog/2.jpg
///     FOLDER/dog/3.jpeg                FOLDER/val/cat/3.jpg
///
/// The classes are the folders' names, sorted by their bytes, and pictures are all files below them that end in png,
/// jpg or jpeg. The second form is one of `train` with `val`, `valid`, `validation` or `test`, the first of which is held out,
/// and no other folder; `train` beside `plane` is a class. Making one lists the files; pictures are only read when a batch needs them.
///
/// ```swift
/// let folder = try ImageFolder(path: "flowers", validationFraction: 0.1, seed: 0)
/// let training = folder.training([RandomResizedCrop(224), RandomHorizontalFlip(), Normalize.imageNet], seed: 1)
/// let validation = folder.validation([Resize(shorterSide: 256), CentreCrop(224), Normalize.imageNet])
/// ```
public struct ImageFolder: Sendable {
    public let path: String
    /// The names of the classes; a label is a place in this list.
    public let classes: [String]
    /// Files and folders that are no pictures and were passed over.
    public let ignoredCount: Int
    /// Whether folders, and not chance, decide what is held out.
    public let isSplit: Bool
    let trainingList: ImageList
    let validationList: ImageList

    /// Lists a folder.
    /// - Parameters:
    ///   - validationFraction: the share of pictures to hold out where there is no folder `val`.
    ///   - seed: decides which these are.
    /// - Throws: `SomaError` that names the folder where it cannot be read, where there are fewer than two classes,
    ///   where a class has no pictures, and where `val` has classes that `train` has not.
    public init(path: String, validationFraction: Double = 0.1, seed: UInt64 = 0) throws {
        guard (0..<1).contains(validationFraction) else {
            programError("ImageFolder", "\(validationFraction) is no fraction to hold out")
        }
        let layout = try ImageFolderLayout(path)
        let training = try ImageFolderScan(layout.training, classes: layout.classes, mayLackPictures: false)
        (self.path, classes, isSplit) = (path, layout.classes, layout.validation != nil)
        if let folder = layout.validation {
            let validation = try ImageFolderScan(folder, classes: layout.classes, mayLackPictures: true)
            guard validation.list.count > 0 else { throw SomaError("\(layout.text(folder)) holds no pictures") }
            (trainingList, validationList) = (training.list, validation.list)
            ignoredCount = training.ignoredCount + validation.ignoredCount
        } else {
            (trainingList, validationList) = training.list.split(heldOut: validationFraction, seed: seed)
            ignoredCount = training.ignoredCount
            guard trainingList.count > 0 else { throw SomaError("\(path) holds too few pictures to train on and to hold out") }
        }
    }

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

/// Which folders of a data set hold the pictures to train on and those held out, and what the classes are.
struct ImageFolderLayout {
    let training: [UInt8]
    let validation: [UInt8]?
    /// Sorted by their bytes.
    let classes: [String]

    private static let validationNames = ["val", "valid", "validation", "test"]

    init(_ path: String) throws {
        let root = Array(path.utf8)
        let names = try Self.folders(root)
        let isSplit = Self.isSplit(names)
        let validationName = isSplit ? Self.validationNames.first(where: names.contains) : nil
        training = isSplit ? root + Array("/train".utf8) : root
        validation = validationName.map { root + Array("/\($0)".utf8) }
        classes = isSplit ? try Self.folders(training) : names
        guard let first = classes.first else {
            throw SomaError("\(text(training)) holds no folder", hint: "each class needs a folder with its pictures")
        }
        guard classes.count > 1 else {
            throw SomaError("\(text(training)) holds the one class '\(first)'", hint: "there is nothing to tell apart")
        }
        guard let validation else { return }
        if let unknown = try Self.folders(validation).first(where: { !classes.contains($0) }) {
            throw SomaError("\(text(validation)) has the class '\(unknown)', which \(text(training)) has not")
        }
    }

    /// Whether folders are the parts of a data set, and not classes of which one happens to be called so.
    private static func isSplit(_ names: [String]) -> Bool {
        names.contains("train") && names.allSatisfy { $0 == "train" || validationNames.contains($0) }
    }

    private static func folders(_ path: [UInt8]) throws -> [String] {
        try FolderEntry.list(path).filter { $0.kind == .folder && !$0.isHidden }.map { entry in
            if let name = String(validating: entry.name, as: UTF8.self) { return name }
            throw SomaError("the name of the folder \(path.pathText)/\(entry.text) is no UTF-8", hint: "rename it: classes are called as their folders are")
        }
    }

    func text(_ path: [UInt8]) -> String { path.pathText }
}

/// All pictures below the folders of classes, in the order of their paths.
struct ImageFolderScan {
    private(set) var list: ImageList
    private(set) var ignoredCount = 0
    private var seen: Set<FolderEntry.Identity> = []
    private let root: [UInt8]

    /// Folders below folders beyond this depth are a mistake.
    private static let deepest = 32

    init(_ root: [UInt8], classes: [String], mayLackPictures: Bool) throws {
        self.root = root
        list = ImageList(root: root)
        for (label, name) in classes.enumerated() {
            let before = list.count
            // Links may lead from one class to the other, but not round in circles.
            seen = []
            try scan(Array(name.utf8), label: label, depth: 1)
            if list.count == before && !mayLackPictures {
                throw SomaError(
                    "\(root.pathText)/\(name) holds no pictures",
                    hint: "their names end in png, jpg or jpeg")
            }
        }
    }

    private mutating func scan(_ folder: [UInt8], label: Int, depth: Int) throws {
        let path = root + [UInt8(ascii: "/")] + folder
        // A missing folder of held-out pictures is an empty one.
        guard let identity = FolderEntry.Identity(path), seen.insert(identity).inserted else { return }
        guard depth <= Self.deepest else {
            throw SomaError("\(path.pathText) lies more than \(Self.deepest) folders deep")
        }
        for entry in try FolderEntry.list(path) where !entry.isHidden {
            let relative = folder + [UInt8(ascii: "/")] + entry.name
            switch entry.kind {
            case .folder: try scan(relative, label: label, depth: depth + 1)
            case .file where Self.isPicture(entry.name): list.append(relative, label: label)
            case .file, .other: ignoredCount += 1
            }
        }
    }

    private static func isPicture(_ name: [UInt8]) -> Bool {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return false }
        return ["png", "jpg", "jpeg"].contains(String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased())
    }
}
