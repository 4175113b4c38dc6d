/// Which folders of a data set hold the pictures to train on and those held out, and what the classes are.
struct ImageFolderLayout {
    let training: [UInt8]
    let validation: [UInt8]?
    /// In the order of their labels.
    let classes: [String]
    private(set) var remarks: [String] = []

    private static let validationNames = ["val", "valid", "validation", "test"]

    /// - Parameter known: classes whose labels are given.
    init(_ path: String, labelledAs known: [String]) throws {
        let root = Array(path.utf8)
        let names = try ClassFolder.list(root).map(\.name)
        let isSplit = Self.isSplit(names)
        let parts = isSplit ? Self.validationNames.filter(names.contains) : []
        training = isSplit ? root + Array("/train".utf8) : root
        validation = parts.first.map { root + Array("/\($0)".utf8) }
        classes = Self.inOrder(isSplit ? try ClassFolder.list(training).map(\.name) : names, known)
        remarks = parts.dropFirst().map { "\(path)/\($0) is not used: \(parts[0]) is what is held out" }
        guard let first = classes.first else {
            throw SomaError("\(text(training)) holds no folder", hint: "each class needs a folder with its pictures")
        }
        guard classes.count > 1 else {
            throw SomaError("\(text(training)) holds the one class '\(first)'", hint: "there is nothing to tell apart")
        }
        guard let validation else { return }
        let own = Set(classes)
        if let unknown = try ClassFolder.list(validation).first(where: { !own.contains($0.name) }) {
            throw SomaError("\(text(validation)) has the class '\(unknown.name)', which \(text(training)) has not")
        }
    }

    /// Whether folders are the parts of a data set, and not classes of which one happens to be called so.
    private static func isSplit(_ names: [String]) -> Bool {
        names.contains("train") && names.allSatisfy { $0 == "train" || validationNames.contains($0) }
    }

    private static func inOrder(_ names: [String], _ known: [String]) -> [String] {
        let (there, labelled) = (Set(names), Set(known))
        return known.filter(there.contains) + names.filter { !labelled.contains($0) }
    }

    func text(_ path: [UInt8]) -> String { path.pathText }
}

/// A folder with the pictures of a class.
struct ClassFolder {
    /// The name of the class: that of the folder, composed.
    let name: String
    /// The name of the folder as the system has it.
    let bytes: [UInt8]

    /// The folders of a folder, in the order of their names.
    /// - Throws: `SomaError` where it cannot be read, where a name is no UTF-8, and where two folders have the same name but for its form.
    static func list(_ path: [UInt8]) throws -> [ClassFolder] {
        var folders: [ClassFolder] = []
        for entry in try FolderEntry.list(path) where entry.kind == .folder && !entry.isHidden {
            guard let name = String(validating: entry.name.composed, as: UTF8.self) else {
                throw SomaError("the name of the folder \(path.pathText)/\(entry.text) is no UTF-8", hint: "rename it: classes are called as their folders are")
            }
            // The order has brought them together.
            if name == folders.last?.name {
                throw SomaError(
                    "\(path.pathText) has two folders called '\(name)', in two forms of Unicode", hint: "put the pictures of the class into one of them")
            }
            folders.append(ClassFolder(name: name, bytes: entry.name))
        }
        return folders
    }
}
