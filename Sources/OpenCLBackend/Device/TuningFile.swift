#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What measuring one device found, as a file of text that a person can read and edit.
///
///     soma tuning 1
///     device  NVIDIA H100 PCIe, 114 units
///     driver  535.104.05, OpenCL 3.0 CUDA 12.2.148
///     # products up to BATCH M N K, A and B as they lie (n) or transposed (t): how they are computed
///     matmul 1 1024 1024 1024 nn  128x128x16/8x8
///     matmul 1 64 512 4096 nt  32x128x16/4x8/8
///     matmul 1 4096 4096 4096 nn  clblast
///     end
///
/// The choice is `clblast` or a tile as `MatmulTile` writes it. A file of another device or driver is not used: what was measured there
/// says nothing here.
public struct TuningFile: Sendable {
    /// A file that cannot be read, written, or used on the device.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let path: String
        public let reason: String

        public var description: String { "\(path): \(reason)" }
    }

    public let path: String
    private let device: String
    private let driver: String
    private let traits: DeviceTraits

    private static let title = "soma tuning 1"
    private static let sizeLimit = 1 << 20

    /// `SOMA_TUNING`, else `tuning` in the folder of the program cache; `nil` where the variable is empty or there is no such folder.
    public static var standardFolder: String? {
        if let folder = environmentVariable("SOMA_TUNING") { return folder.isEmpty ? nil : folder }
        return ProgramCache.standard.folder.map { $0 + "/tuning" }
    }

    /// The device's file in a folder, which need not exist. Its name is made of the platform's and the device's.
    public init(for device: OpenCLDevice, in folder: String) {
        let words = "\(device.platform) \(device.model)".split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        path = "\(folder)/\(words.joined(separator: "-").prefix(200)).txt"
        self.device = Self.line(of: "\(device.model), \(device.computeUnits) units")
        driver = Self.line(of: "\(device.driver), \(device.platformVersion)")
        traits = DeviceTraits(device)
    }

    /// What was measured; `nil` where there is no file.
    /// - Throws: for a file that cannot be read, is damaged, or was made with another device or driver.
    public func read() throws(Failure) -> MatmulTuning? {
        do {
            guard let bytes = try WholeFile(path: path).read(limit: Self.sizeLimit) else { return nil }
            return try tuning(String(decoding: bytes, as: UTF8.self))
        } catch {
            throw Failure(path: path, reason: error.reason)
        }
    }

    /// Replaces the file as a whole, making its folder if need be.
    /// - Throws: where it cannot be written; it is then as before.
    public func write(_ tuning: MatmulTuning) throws(Failure) {
        do { try WholeFile(path: path).write(Array(text(tuning).utf8), isSynced: true) } catch { throw Failure(path: path, reason: error.reason) }
    }

    /// What was measured; `nil`, and why in one line on standard error, where that cannot be used.
    func readOrComplain(_ complain: (String) -> Void = complain) -> MatmulTuning? {
        do { return try read() } catch {
            complain("soma: \(error); the choices that ship are used")
            return nil
        }
    }

    // MARK: Text

    private func text(_ tuning: MatmulTuning) -> String {
        let choices = tuning.choices.map { "matmul \($0.key)  \($0.value)" }.sorted()
        let head = [
            Self.title, "device  \(device)", "driver  \(driver)",
            "# products up to BATCH M N K, A and B as they lie (n) or transposed (t): how they are computed",
        ]
        return (head + choices + ["end", ""]).joined(separator: "\n")
    }

    private func tuning(_ text: String) throws(WholeFile.Failure) -> MatmulTuning {
        let lines = text.split(whereSeparator: \.isNewline).map { Self.line(of: String($0)) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
        try expect(lines.first == Self.title, "it does not begin with `\(Self.title)`")
        try expect(lines.last == "end", "it does not end with `end`")
        try expect(lines.count >= 4 && lines[1].hasPrefix("device ") && lines[2].hasPrefix("driver "), "it does not name device and driver")
        try expect(lines[1] == "device " + device, "it was made for \(lines[1].dropFirst(7).prefix(80)), and this is \(device)")
        try expect(lines[2] == "driver " + driver, "it was made with driver \(lines[2].dropFirst(7).prefix(80)), and this is \(driver)")
        var tuning = MatmulTuning()
        for line in lines[3..<(lines.count - 1)] { try add(line, to: &tuning) }
        return tuning
    }

    /// `matmul BATCH M N K AB CHOICE`
    private func add(_ line: String, to tuning: inout MatmulTuning) throws(WholeFile.Failure) {
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 7, words[0] == "matmul", let shape = MatmulTuning.ShapeClass(words[1...5].joined(separator: " ")),
            let choice = MatmulChoice(words[6])
        else { throw WholeFile.Failure(reason: "not understood: \(line.prefix(80))") }
        if case .tile(let tile) = choice { try expect(tile.fits(traits), "this device cannot run \(tile)") }
        try expect(tuning.insert(choice, for: shape), "chosen twice: \(line)")
    }

    private func expect(_ condition: Bool, _ reason: @autoclosure () -> String) throws(WholeFile.Failure) {
        if !condition { throw WholeFile.Failure(reason: reason()) }
    }

    /// The words of a text with one space between them, without what a terminal would take for a command.
    private static func line(of text: String) -> String {
        text.split { $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control } }.joined(separator: " ")
    }
}

private func complain(_ line: String) {
    let text = line + "\n"
    _ = write(STDERR_FILENO, text, text.utf8.count)
}
