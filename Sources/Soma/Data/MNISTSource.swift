import Glibc

/// Where MNIST comes from: 70,000 handwritten digits of 28×28 pixels, 60,000 to train and 10,000 to test.
///
/// Y. LeCun, C. Cortes, C. J. C. Burges, *The MNIST database of handwritten digits*, 1998; CC BY-SA 3.0.
public struct MNISTSource: Sendable {
    /// The addresses of folders that hold the four files, the most preferred first.
    public var mirrors = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]
    /// Fetches the files; change it for other attempts and timeouts.
    public var downloader = Downloader()
    var files = MNISTFile.all

    /// The mirrors that ship, and a downloader with its defaults.
    public init() {}

    /// Sees to it that `folder` holds the four files: what is there and right is kept, what is missing or broken is
    /// fetched from the first mirror that has it, and a transfer that broke off is resumed. A whole file of other data, which
    /// would be read in their place, is refused before anything is fetched.
    /// - Parameter progress: called with a file's name as its bytes arrive.
    /// - Throws: `SomaError` naming the address or file and the reason, and what `progress` throws.
    public func download(
        to folder: String, progress: (_ file: String, Downloader.Progress) throws -> Void = { _, _ in }
    ) throws {
        try Folder.make(folder)
        let missing = try files.filter { try !$0.isPresent(in: folder) }
        for file in missing {
            try fetch(file, to: folder) { try progress(file.name + ".gz", $0) }
        }
    }

    /// From the first mirror that has it. What is wrong on this side, such as a full disk, no other mirror mends.
    private func fetch(_ file: MNISTFile, to folder: String, progress: (Downloader.Progress) throws -> Void) throws {
        var failures: [String] = []
        for mirror in mirrors {
            let address = mirror.utf8.last == UInt8(ascii: "/") ? mirror : mirror + "/"
            do {
                return try downloader.fetch(
                    "\(address)\(file.name).gz", to: "\(folder)/\(file.name).gz", checksum: file.checksum, sizeLimit: file.byteCount + 65_536,
                    progress: progress)
            } catch let failure as FailedAddress {
                failures.append(failure.error.message)
            }
        }
        throw SomaError(failures.joined(separator: "; "), hint: "pass another mirror, or the folder of a copy")
    }
}

/// One of the four files of MNIST.
struct MNISTFile: Sendable {
    let name: String
    /// The size of the unpacked file.
    let byteCount: Int
    let sha256: String

    var checksum: Checksum { .content(sha256: sha256, byteCount: byteCount) }

    /// Where the file is in a folder, packed or not: the one that is read. Nil where there is none.
    func path(in folder: String) -> String? {
        ["\(folder)/\(name)", "\(folder)/\(name).gz"].first { access($0, F_OK) == 0 }
    }

    /// Whether the file that is read is there and unharmed.
    /// - Throws: `SomaError` where another file lies in its place and fetching would lose it or not help: one of other data, or one that is not packed.
    func isPresent(in folder: String) throws -> Bool {
        guard let path = path(in: folder) else { return false }
        do { try checksum.verify(path) } catch let error as SomaError {
            // A broken packed file is replaced by what is fetched; an unpacked one would still be read instead.
            if path.hasSuffix(".gz") && (try? IDXFile(path: path)) == nil { return false }
            throw SomaError("\(path) is not the file of MNIST: \(error.message)", hint: "move it away, or name another folder")
        }
        return true
    }

    // The digests are those of the unpacked files: mirrors pack the same data differently.
    static let trainingImages = MNISTFile(
        name: "train-images-idx3-ubyte", byteCount: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db")
    static let trainingLabels = MNISTFile(
        name: "train-labels-idx1-ubyte", byteCount: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")
    static let testImages = MNISTFile(
        name: "t10k-images-idx3-ubyte", byteCount: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7")
    static let testLabels = MNISTFile(
        name: "t10k-labels-idx1-ubyte", byteCount: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")
    static let all = [trainingImages, trainingLabels, testImages, testLabels]
}

/// The four arrays of MNIST, or of a data set published in the same form such as Fashion-MNIST.
public struct MNIST: Sendable {
    /// The folder of the files.
    public let path: String
    /// uint8 [60000, 28, 28], 0 is background.
    public let trainingImages: IDXFile
    /// uint8 [60000], the digits 0 to 9.
    public let trainingLabels: IDXFile
    /// uint8 [10000, 28, 28].
    public let testImages: IDXFile
    /// uint8 [10000].
    public let testLabels: IDXFile

    /// Opens the four files in `folder`, packed (`train-images-idx3-ubyte.gz`) or not.
    /// - Throws: `SomaError` naming the file that is missing or broken.
    public init(folder: String) throws {
        path = folder
        trainingImages = try Self.open(.trainingImages, in: folder)
        trainingLabels = try Self.open(.trainingLabels, in: folder)
        (testImages, testLabels) = try Self.testFiles(in: folder)
    }

    /// The images and labels to test on, where a folder need not have those to train on.
    /// - Throws: `SomaError` naming the file that is missing or broken.
    public static func testFiles(in folder: String) throws -> (images: IDXFile, labels: IDXFile) {
        (try open(.testImages, in: folder), try open(.testLabels, in: folder))
    }

    /// Whether a folder has a file of images to test on.
    public static func hasTestFiles(in folder: String) -> Bool {
        MNISTFile.testImages.path(in: folder) != nil
    }

    private static func open(_ file: MNISTFile, in folder: String) throws -> IDXFile {
        if let path = file.path(in: folder) { return try IDXFile(path: path) }
        throw SomaError("\(folder) has neither \(file.name) nor \(file.name).gz", hint: "soma data mnist fetches them")
    }
}

extension MNIST: DataSource {
    /// Of the shapes of all four files and of the classes, which are many enough to differ in any other data set, and few enough to be read at once.
    public func fingerprint() throws -> DataFingerprint {
        var hash = SHA256()
        for file in [trainingImages, trainingLabels, testImages, testLabels] { Array("\(file.shape)".utf8).withUnsafeBytes { hash.update($0) } }
        for labels in [trainingLabels, testLabels] { try labels.withBytes { hash.update($0) } }
        return DataFingerprint(.digits, parts: [.init(count: trainingLabels.count + testLabels.count, hash: hash.digest())])
    }
}
