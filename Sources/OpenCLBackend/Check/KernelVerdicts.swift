/// What checking the families of kernels on one device and driver has found.
struct KernelVerdicts: Sendable, Equatable {
    struct Verdict: Sendable, Equatable {
        /// `nil` where the family's own kernels gave wrong results and no others right ones.
        var way: KernelWay?
        /// What was wrong with the family's own kernels, or why they did not run; empty where nothing was.
        var fault = ""
        /// Each of its cases that did not come out right; not kept.
        var faults: [CheckFault] = []
        /// Whether numbers alone decided it. What did not run says nothing of the next process, so the verdict is not kept for that.
        var isLasting = true
    }

    var families: [KernelFamily: Verdict] = [:]

    var ways: [KernelFamily: KernelWay] { families.compactMapValues(\.way) }

    /// A family that no kernels compute, if there is one.
    var hopeless: (family: KernelFamily, fault: String)? {
        KernelFamily.allCases.lazy.compactMap { family in self.families[family].flatMap { $0.way == nil ? (family, $0.fault) : nil } }.first
    }
}

extension KernelVerdicts {
    private static let title = "soma check 2"

    /// Lines of `FAMILY WAY FAULT` for verdicts that last, between a title, what was checked, and `end`.
    func text(of subject: String) -> String {
        let lines = families.filter(\.value.isLasting).sorted { $0.key.rawValue < $1.key.rawValue }.map { family, verdict in
            let fault = verdict.fault.split(whereSeparator: \.isNewline).joined(separator: " ")
            return "\(family.rawValue) \(verdict.way?.rawValue ?? "none") \(fault)".trimmingSpaces()
        }
        return ([Self.title, subject] + lines + ["end", ""]).joined(separator: "\n")
    }

    /// `nil` for text of anything else, or of another subject.
    init?(_ text: String, of subject: String) {
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        guard lines.count >= 3, lines[0] == Self.title, lines[1] == subject, lines.last == "end" else { return nil }
        for line in lines[2..<(lines.count - 1)] {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count >= 2, let family = KernelFamily(rawValue: words[0]) else { return nil }
            let way = KernelWay(rawValue: words[1])
            guard way != nil || words[1] == "none" else { return nil }
            families[family] = Verdict(way: way, fault: words.count > 2 ? words[2] : "")
        }
    }
}

/// Where verdicts are kept: beside the compiled programs, a file for each device, driver, kind of kernels and version of their text.
struct CheckFile: Sendable {
    private let path: String?
    private let subject: String

    init(for device: OpenCLDevice, _ kernels: KernelKind, in folder: String?) {
        let subject = "\(device.identity); kernels for \(kernels.rawValue) \(Self.textHash)"
        self.subject = subject
        path = folder.flatMap { $0.isEmpty ? nil : "\($0)/checks/\(ProgramCache.key([subject])).txt" }
    }

    /// Whether verdicts outlive the process.
    var isKept: Bool { path != nil }

    /// What changes with any text of a kernel.
    private static let textHash: String = {
        let families = KernelFamily.allCases.map(\.rawValue)
        return String(ProgramCache.key(KernelTemplate.files.map { KernelTemplate.text(of: $0) } + families).prefix(16))
    }()

    func read() -> KernelVerdicts? {
        guard let path, let bytes = try? WholeFile(path: path).read(limit: 1 << 16) else { return nil }
        return KernelVerdicts(String(decoding: bytes, as: UTF8.self), of: subject)
    }

    /// Keeps verdicts; where that fails the next process checks again.
    func write(_ verdicts: KernelVerdicts) {
        guard let path else { return }
        try? WholeFile(path: path).write(Array(verdicts.text(of: subject).utf8), isSynced: false)
    }
}
