#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif
import SomaBackend

/// What measuring one device found, as a file of text that a person can read and edit.
///
///     soma tuning 2
///     device  NVIDIA H100 PCIe, 114 units
///     driver  535.104.05, OpenCL 3.0 CUDA 12.2.148
///     # a class of steps (see `StepClass`): how they are computed (see `StepChoice`)
///     matmul 1 1024 1024 1024 nn  128x128x16/8x8
///     matmul 1 4096 4096 4096 nn  clblast
///     convolution 1 64 32768 1024 forward:3x3/1  winograd
///     reduce 1 16777216 along  256x1/512
///     map 16777216 flat  512x2
///     end
///
/// A file of another device, driver or version is not used: what was measured there says nothing here. Each device has a file for each of its
/// drivers.
public struct TuningFile: Sendable {
    /// Where it is, or would be.
    public let path: String
    private let folder: String
    /// What the names of the files of a model begin with, whatever the driver.
    private let stem: String
    private let device: String
    private let driver: String
    private let traits: DeviceTraits

    /// The number counts up when choices change their meaning, as they do with the kernels.
    private static let title = "soma tuning 2"
    private static let sizeLimit = 1 << 20

    /// `SOMA_TUNING`, else `tuning` in the folder of the program cache; `nil` where the variable is empty or there is no such folder.
    public static var standardFolder: String? {
        if let folder = environmentVariable("SOMA_TUNING") { return folder.isEmpty ? nil : folder }
        return ProgramCache.standard.folder.map { $0 + "/tuning" }
    }

    /// Why there is no standard folder.
    static var whyNoFolder: String {
        if environmentVariable("SOMA_TUNING") != nil { return "SOMA_TUNING is empty" }
        if let refusal = ProgramCache.standard.refusal { return refusal }
        return environmentVariable("SOMA_CACHE") == "" ? "SOMA_CACHE is empty" : "neither HOME nor SOMA_CACHE names a folder"
    }

    /// The device's file in a folder, which need not exist. Its name is made of the platform's, the model's and the driver's; digits behind these
    /// tell apart what else differs.
    public init(for device: OpenCLDevice, in folder: String) {
        self.init(
            in: folder, model: "\(device.platform) \(device.model)", device: device.modelLine, version: device.driver, driver: device.driverLine,
            DeviceTraits(device))
    }

    /// - Parameters:
    ///   - model: what a person knows the device by; `device` tells all of it that matters.
    ///   - version: what a person knows the driver by; `driver` tells all of it that matters.
    init(in folder: String, model: String, device: String, version: String, driver: String, _ traits: DeviceTraits) {
        (self.folder, self.traits) = (folder, traits)
        (self.device, self.driver) = (Self.line(of: device), Self.line(of: driver))
        stem = Self.name(of: model, limit: 120) + "."
        let digits = ProgramCache.key([self.device, self.driver]).prefix(8)
        path = "\(folder)/\(stem)\(Self.name(of: version, limit: 60)).\(digits).txt"
    }

    /// Letters and digits of a text, with hyphens between them.
    private static func name(of text: String, limit: Int) -> String {
        String(text.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }.joined(separator: "-").prefix(limit))
    }

    /// What was measured; `nil` where there is no file.
    /// - Throws: for a file that cannot be read, is damaged, or was made with another device or driver; where there is none, for that of another
    ///   driver.
    public func read() throws(TuningFailure) -> Tuning? {
        if let tuning = try read(path) { return tuning }
        // Whoever has a new driver should know that what was measured with the old one no longer counts.
        guard let other = otherPath, try read(other) != nil else { return nil }
        throw TuningFailure(path: other, reason: "it lacks the name of this device's file, \(path)")
    }

    private func read(_ path: String) throws(TuningFailure) -> Tuning? {
        do throws(WholeFile.Failure) {
            guard let bytes = try WholeFile(path: path).read(limit: Self.sizeLimit) else { return nil }
            if let encoding = TextMark.foreignEncoding(of: bytes) { throw WholeFile.Failure(reason: "it is a text in \(encoding); save it as UTF-8") }
            return try tuning(String(decoding: bytes.dropFirst(TextMark.length(in: bytes)), as: UTF8.self))
        } catch {
            throw TuningFailure(path: path, reason: error.reason)
        }
    }

    /// The file of another driver of the device, if there is one.
    private var otherPath: String? {
        guard let listing = opendir(folder) else { return nil }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasPrefix(stem) && name.hasSuffix(".txt") { names.append(name) }
        }
        return names.max().map { "\(folder)/\($0)" }
    }

    /// Replaces the file as a whole, making its folder if need be.
    /// - Throws: where it cannot be written; it is then as before.
    public func write(_ tuning: Tuning) throws(TuningFailure) {
        do { try WholeFile(path: path).write(Array(text(tuning).utf8), isSynced: true) } catch { throw TuningFailure(path: path, reason: error.reason) }
    }

    /// Changes choices by class, `nil` to none, and leaves those of other classes as they are by now: another process may keep its own. A file that
    /// cannot be used is replaced.
    /// - Throws: where it cannot be written, or a choice is not understood; it is then as before.
    public func change(_ changes: [String: String?]) throws(TuningFailure) {
        try checkWriting()
        // The folder is there by now, and as a lock leaves nothing behind. Where a file system knows no locks, there is none.
        let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(lock) }
        for _ in 0..<1000 where flock(lock, LOCK_EX) == 0 || errno != EINTR { break }
        var texts = (try? read(path))?.texts ?? [:]
        for (stepClass, choice) in changes { texts[stepClass] = choice }
        let tuning: Tuning
        do { tuning = try Tuning(texts, for: traits) } catch { throw TuningFailure(path: path, reason: error.reason) }
        try write(tuning)
    }

    /// Finds out whether the file could be written, leaving it as it is.
    /// - Throws: where it could not.
    public func checkWriting() throws(TuningFailure) {
        // Two processes may ask at once; a full disk takes an empty file.
        let probe = "\(path).probe\(getpid())"
        do { try WholeFile(path: probe).write(Array(text(Tuning()).utf8), isSynced: false) } catch { throw TuningFailure(path: path, reason: error.reason) }
        unlink(probe)
    }

    /// What was measured; `nil`, and why in one line on standard error, where that cannot be used.
    func readOrComplain(_ complain: (String) -> Void = complain) -> Tuning? {
        do { return try read() } catch {
            complain("soma: \(error); the choices that ship are used")
            return nil
        }
    }

    // MARK: Text

    private func text(_ tuning: Tuning) -> String {
        let choices = tuning.texts.map { "\($0.key)  \($0.value)" }.sorted()
        return ([Self.title, "device  \(device)", "driver  \(driver)"] + Self.legend + choices + ["end", ""]).joined(separator: "\n")
    }

    private static let legend = [
        "# What steps are, and how they are computed; extents are rounded up to powers of two.",
        "# matmul BATCH M N K, A and B as they lie (n) or transposed (t): MxNxK/AxB, a group's tile and a work-item's; or clblast",
        "# convolution PRODUCTS M N K PASS:ROWSxCOLUMNS/STRIDE: the same; or winograd",
        "# reduce OUTER INNER, neighbours in memory along a sum, across sums, or rows walked several times: LANESxPLACES/SEGMENTS",
        "# map POSITIONS, flat or strided: GROUPxSHARE",
    ]

    private func tuning(_ text: String) throws(WholeFile.Failure) -> Tuning {
        let lines = text.split(whereSeparator: \.isNewline).map { Self.line(of: String($0)) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
        let title = lines.first ?? ""
        let isOther = title.hasPrefix("soma tuning ") && title.dropFirst(12).allSatisfy(\.isNumber)
        try expect(title == Self.title || !isOther, "it is of version \(title.dropFirst(12).prefix(8)), and this program reads \(Self.title.dropFirst(12))")
        try expect(title == Self.title, "it does not begin with `\(Self.title)`")
        try expect(lines.last == "end", "it does not end with `end`")
        try expect(lines.count >= 4 && lines[1].hasPrefix("device ") && lines[2].hasPrefix("driver "), "it does not name device and driver")
        try expect(lines[1] == "device " + device, "it was made for \(lines[1].dropFirst(7).prefix(80)), and this is \(device)")
        try expect(lines[2] == "driver " + driver, "it was made with driver \(lines[2].dropFirst(7).prefix(80)), and this is \(driver)")
        var tuning = Tuning()
        for line in lines[3..<(lines.count - 1)] { try tuning.add(line, for: traits) }
        return tuning
    }

    private func expect(_ condition: Bool, _ reason: @autoclosure () -> String) throws(WholeFile.Failure) {
        if !condition { throw WholeFile.Failure(reason: reason()) }
    }

    /// The words of a text with one space between them, without what a terminal would take for a command.
    fileprivate static func line(of text: String) -> String {
        text.split { $0.isWhitespace || $0.unicodeScalars.contains { $0.properties.generalCategory == .control } }.joined(separator: " ")
    }
}

extension OpenCLDevice {
    fileprivate var modelLine: String { "\(model)\(kernelRemark), \(computeUnits) units" }
    fileprivate var driverLine: String { "\(driver), \(platformVersion)" }
    /// What tells it and its driver from others, in one line.
    public var identity: String { TuningFile.line(of: "\(modelLine); driver \(driverLine)") }
}

func complain(_ line: String) {
    _ = WholeWrite.write(line + "\n", to: STDERR_FILENO)
}
