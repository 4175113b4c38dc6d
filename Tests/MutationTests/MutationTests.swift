import Glibc
import Soma
import Testing

/// Inputs of every format, changed at random, in processes of their own: none may crash a reader, take more memory or time than its
/// size explains, or be read as something else.
///
/// `scripts/mutate` runs this for longer. The same seed gives the same inputs.
@Suite(.serialized) struct MutationTests {
    @Test func everyFormatIsReadOrRefused() async throws {
        let environment = { (name: String) in getenv(name).map { String(cString: $0) } ?? "" }
        let seed = UInt64(environment("SOMA_MUTATION_SEED")) ?? .random(in: 0 ... 1 << 32)
        let seconds = Double(environment("SOMA_MUTATION_SECONDS")) ?? 3
        let run = try MutationRun(seed: seed, formats: FileFormat.all)
        await run.run(seconds: seconds)
        run.figures.forEach { print($0) }
        #expect(run.faults.isEmpty, "\(run.faults.joined(separator: "; "))")
        // A run that refuses all or accepts all has looked at nothing.
        for (format, counts) in run.counts {
            #expect(counts.tried >= 16, "\(format)")
            if counts.tried > 500 { #expect(counts.refused > 0 && counts.refused < counts.tried, "\(format): \(counts)") }
        }
    }

    /// A reader that is at fault is found out, whatever its fault.
    @Test(arguments: FileFormat.faulty.map(\.name)) func faultsAreFound(name: String) async throws {
        let run = try MutationRun(seed: 1, formats: FileFormat.faulty.filter { $0.name == name })
        await run.run(seconds: 1, restarts: 1, expecting: .failure)
        #expect(run.faults.count == 1 && run.faults[0].contains(name), "\(run.faults)")
        #expect(run.counts.first?.counts.crashes == 1)
    }
}

/// Workers one after the other, until the time is over.
final class MutationRun {
    private let folder: String
    private let seed: UInt64
    private let formats: [FileFormat]
    private let notes: MutationNotes
    /// A line for each input that crashed a reader.
    private(set) var faults: [String] = []

    init(seed: UInt64, formats: [FileFormat]) throws {
        // In memory where that is possible: files are made, synced and removed by the thousand.
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(place)/soma-mutation-XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        (self.seed, self.formats) = (seed, formats)
        notes = try #require(MutationNotes(folder, formatCount: formats.count))
    }

    deinit {
        for name in Self.names(in: folder) { remove("\(folder)/\(name)") }
        rmdir(folder)
    }

    /// - Parameters:
    ///   - restarts: how many workers may crash before the run is given up.
    ///   - condition: how workers are to end.
    func run(seconds: Double, restarts: Int = 20, expecting condition: ExitTest.Condition = .success) async {
        let end = ContinuousClock.now + .seconds(seconds)
        for _ in 0..<restarts {
            let rest = max(0, (end - ContinuousClock.now) / .seconds(1))
            notes.fault = .none
            MutationPlan(folder: folder, seed: seed, seconds: rest, formats: formats).handOn()
            remove("\(folder)/reason")
            let result = await #expect(processExitsWith: condition) { MutationWorker.run() }
            if result?.exitStatus == .exitCode(0) { return }
            noteFault()
        }
    }

    private func noteFault() {
        let (format, number) = (notes.format, notes[notes.format].tried - 1)
        notes[format].crashes += 1
        let name = formats[format].name
        // An input that a reader is at fault with on purpose is of no interest.
        let path = "/tmp/soma-mutation-\(name.split(atEach: " ").joined(separator: "-"))-\(seed)-\(number)"
        if formats.count > 1 { try? AtomicFile.write(MutationPlan(folder: folder, seed: seed, seconds: 0, formats: formats).input(format, number), to: path) }
        let reason = (try? SmallFile.read("\(folder)/reason", limit: 1 << 20)).map { ": " + String(decoding: $0, as: UTF8.self) } ?? ""
        faults.append("\(name): \(notes.fault == .none ? "crash" : "\(notes.fault)") with input \(number) of seed \(seed), kept in \(path)\(reason)")
    }

    var counts: [(format: String, counts: (tried: Int, refused: Int, crashes: Int))] { formats.indices.map { (formats[$0].name, notes[$0]) } }

    private static func names(in folder: String) -> [String] {
        guard let listing = opendir(folder) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// What was tried, for people.
    var figures: [String] {
        func column(_ text: String) -> String { String(repeating: " ", count: max(1, 11 - text.count)) + text }
        func line(_ name: String, _ tried: Int, _ refused: Int, _ crashes: Int) -> String {
            ("mutation:" + name).padded(to: 34) + [tried, refused, tried - refused - crashes, crashes].map { column("\($0)") }.joined()
        }
        let head = "mutation:".padded(to: 34) + ["inputs", "refused", "accepted", "crashes"].map(column).joined()
        let sum = formats.indices.map { notes[$0] }.reduce((0, 0, 0)) { ($0.0 + $1.tried, $0.1 + $1.refused, $0.2 + $1.crashes) }
        return ["mutation: seed \(seed)", head] + counts.map { line("  \($0.format)", $0.counts.tried, $0.counts.refused, $0.counts.crashes) }
            + [line("  all", sum.0, sum.1, sum.2)]
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}

extension FileFormat {
    /// Readers that are at fault on purpose: without them nobody would know that a run can fail.
    static let faulty: [FileFormat] = [
        FileFormat(name: "a trap", samples: [[1, 2, 3]]) { _, bytes in if bytes.count > 3 { fatalError("trap") } },
        FileFormat(name: "a lie that is believed", samples: [[1, 2, 3]]) { _, bytes in
            if bytes.count > 3 { withExtendedLifetime([UInt8](unsafeUninitializedCapacity: 2 << 30) { $1 = bytes.count }) {} }
        },
        FileFormat(name: "no end", samples: [[1, 2, 3]]) { _, bytes in while bytes.count > 3 {} },
        FileFormat(name: "other content", samples: [[1, 2, 3]]) { _, bytes in try expectSame(bytes.prefix(3), bytes[...], "it is read as something else") },
        FileFormat(name: "two lines", samples: [[1, 2, 3]]) { _, bytes in if bytes.count > 3 { throw BackendErrorOfTwoLines() } },
    ]

    private struct BackendErrorOfTwoLines: Error, CustomStringConvertible { let description = "one\ntwo" }
}
