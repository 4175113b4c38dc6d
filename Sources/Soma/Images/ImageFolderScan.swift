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
        ignoredCount = try Self.strayCount(root)
        let folders = Dictionary(try ClassFolder.list(root).map { ($0.name, $0.bytes) }) { first, _ in first }
        for (label, name) in classes.enumerated() {
            let before = list.count
            // Links may lead from one class to the other, but not round in circles.
            seen = []
            if let folder = folders[name] { try scan(folder, label: label, depth: 1) }
            if list.count == before && !mayLackPictures {
                throw SomaError(
                    "\(root.pathText)/\(name) holds no pictures",
                    hint: "their names end in png, jpg or jpeg")
            }
        }
    }

    /// Pictures that lie beside the folders of classes.
    private static func strayCount(_ root: [UInt8]) throws -> Int {
        try FolderEntry.list(root).count { $0.kind == .file && !$0.isHidden && isPicture($0.name) }
    }

    private mutating func scan(_ folder: [UInt8], label: Int, depth: Int) throws {
        let path = root + [UInt8(ascii: "/")] + folder
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
