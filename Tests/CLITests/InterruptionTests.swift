import Glibc
import Soma
import Testing

/// Runs that are stopped at any moment and go on to the same bits.
@Suite(.serialized) struct InterruptionTests {
    let folder = TestFolder()

    private func train(
        _ output: String, _ more: String..., epochs: Int = 12, interrupt: (signal: Int32, when: () -> Bool)? = nil
    ) -> Command {
        Command.run(Self.words(epochs) + [output] + more, in: folder, interrupt: interrupt)
    }

    private static func words(_ epochs: Int) -> [String] {
        ["\(Command.folder)/soma", "train", "digits", "--device", "cpu", "--epochs", "\(epochs)", "--seed", "3", "hidden=32,16", "--output"]
    }

    /// What a run leaves that does not depend on the time.
    private struct Remains: Equatable {
        let files: [String: [UInt8]?]
        let metrics: [String]

        init(_ name: String, in folder: TestFolder) {
            files = Dictionary(uniqueKeysWithValues: ["last.safetensors", "best.safetensors"].map { ($0, folder.bytes("\(name)/\($0)")) })
            metrics = folder.text("\(name)/metrics.csv").split(separator: "\n").map {
                $0.split(separator: ",", omittingEmptySubsequences: false).prefix(7).joined(separator: ",")
            }
        }
    }

    /// Runs that nobody stops, by their epochs: of the longer a busy machine may do many before a signal is sent.
    private static let whole = [12: uninterrupted(12), 60: uninterrupted(60)]

    private static func uninterrupted(_ epochs: Int) -> (remains: Remains, configuration: [UInt8]) {
        let folder = TestFolder()
        #expect(Command.run(words(epochs) + ["whole"], in: folder).status == 0)
        return (Remains("whole", in: folder), folder.bytes("whole/config.json") ?? [])
    }

    /// The epochs that a run has told of.
    private func epochs(_ output: String) -> Int { max(0, folder.text("\(output)/metrics.csv").split(separator: "\n").count - 1) }

    private func expectSame(_ other: String, epochs: Int = 12, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let (whole, own) = (try #require(Self.whole[epochs]).remains, Remains(other, in: folder))
        #expect(whole.metrics.count == epochs + 1 && whole.files.values.allSatisfy { $0 != nil }, sourceLocation: sourceLocation)
        for (name, bytes) in whole.files { #expect(own.files[name] == bytes, "\(name) differs", sourceLocation: sourceLocation) }
        #expect(own.metrics == whole.metrics, sourceLocation: sourceLocation)
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGXCPU, SIGUSR1]) func interruptedRunsGoOn(signal: Int32) throws {
        var (name, command) = interrupted(signal, 0)
        // A machine that has no time for the test may let the run come to its end before the signal is sent.
        for attempt in 1...4 where command.status == 0 { (name, command) = interrupted(signal, attempt) }
        #expect(command.status == 130)
        #expect(command.output.contains("interrupted") && command.output.contains("--resume"))
        try #require(folder.exists("\(name)/last.safetensors"))
        #expect(Remains(name, in: folder) != Self.whole[60]?.remains)
        let resumed = Command.soma("train", "digits", "--resume", name, in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)")
        try expectSame(name, epochs: 60)
    }

    private func interrupted(_ signal: Int32, _ attempt: Int) -> (name: String, command: Command) {
        let name = "cut\(attempt)"
        return (name, train(name, epochs: 60, interrupt: (signal, { epochs(name) >= 3 })))
    }

    @Test func killedRunsGoOn() throws {
        var kills = 0
        for attempt in 1...40 {
            // Some milliseconds after an epoch has ended: while a checkpoint is written, or between two, or in the next epoch.
            let goal = attempt == 1 ? 1 : epochs("cut") + 1
            var moment: ContinuousClock.Instant?
            let interrupt = (signal: SIGKILL, when: {
                if moment == nil && self.epochs("cut") >= goal { moment = .now + .milliseconds(attempt * 3 % 20) }
                return moment.map { .now >= $0 } ?? false
            })
            let command = attempt == 1 ? train("cut", interrupt: interrupt) : train("cut", "--resume", interrupt: interrupt)
            if command.status == 0 { break }
            #expect(command.status == 128 + SIGKILL, "\(command.complaint)")
            kills += 1
        }
        #expect(kills > 0)
        try expectSame("cut")
    }

    @Test func aRunWithoutCheckpointBeginsAnew() throws {
        try folder.write("cut/config.json", try #require(Self.whole[12]).configuration)
        #expect(Command.soma("train", "digits", "--resume", "--output", "cut", in: folder).status == 0)
        try expectSame("cut")
    }

    @Test func whatCannotBeResumed() throws {
        Command.soma("train", "digits", "--resume", in: folder).expectComplaint(1, "no run to resume", "runs/digits")
        #expect(train("run", "--json").status == 0)
        Command.soma("train", "xor", "--resume", "run", in: folder).expectComplaint(2, "digits", "not of xor")
        Command.soma("train", "digits", "--resume", "run", "--seed", "4", in: folder).expectComplaint(2, "seed 3")
        let whole = try #require(folder.bytes("run/last.safetensors"))
        try folder.write("run/last.safetensors", Array(whole.dropLast(100)))
        Command.soma("train", "digits", "--resume", "run", in: folder).expectComplaint(1, "run/last.safetensors")
        try folder.write("run/last.safetensors", whole)
        let configuration = folder.bytes("run/config.json")
        for (setting, old) in [("hidden=8", "hidden=32,16"), ("lr=0.1", "lr=0.004"), ("batch=64", "batch=32")] {
            Command.soma("train", "digits", "--resume", "run", setting, "--epochs", "13", in: folder)
                .expectComplaint(2, old, "not \(setting)", "only --epochs may change")
        }
        try setMetadata("best.value", "nan", of: "run/last.safetensors")
        let broken = folder.bytes("run/last.safetensors")
        Command.soma("train", "digits", "--resume", "run", "--epochs", "13", in: folder)
            .expectComplaint(1, "run/last.safetensors", "'best.value' cannot be 'nan'")
        #expect(folder.bytes("run/last.safetensors") == broken, "a failed run replaces nothing")
        #expect(folder.bytes("run/config.json") == configuration, "a failed run replaces nothing")
        try setMetadata("epochs", "9223372036854775807", of: "run/last.safetensors")
        Command.soma("train", "digits", "--resume", "run", in: folder).expectComplaint(1, "run/last.safetensors", "'epochs'")
        Command.soma("train", "digits", "--resume", "nowhere", in: folder).expectComplaint(1, "no run to resume in nowhere")
        Command.soma("train", "--resume", "nowhere", in: folder).expectComplaint(1, "no run to resume in nowhere")
        Command.soma("train", "digts", "--resume", in: folder).expectComplaint(2, "did you mean digits")
    }

    private func setMetadata(_ key: String, _ value: String, of name: String) throws {
        let file = try SafetensorsFile(path: "\(folder.path)/\(name)")
        var metadata = file.metadata
        metadata[key] = value
        try SafetensorsFile.write(file.tensors, metadata: metadata, to: file.path) { try file.withBytes(of: $0.name, $1) }
    }

    @Test func moreEpochsMayBeAsked() throws {
        #expect(train("run").status == 0)
        let resumed = Command.soma("train", "digits", "--resume", "run", "hidden=32,16", "--epochs", "13", "--json", in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)")
        #expect(try JSON(parsing: try #require(resumed.lines.last))["epochs"] == 13)
        #expect(try JSON(parsing: folder.text("run/config.json"))["epochs"] == 13)
    }

    /// A comparison of many models keeps those that are done.
    @Test(arguments: [
        (["vanishing-gradient", "--epochs", "3", "depths=2,30", "width=32"], "accuracy.svg"),
        (["alternatives", "--epochs", "60", "models=tree,mlp", "shares=0.5,1", "tables=none"], "digits.svg"),
    ])
    func comparisonsGoOn(_ words: [String], _ picture: String) throws {
        let cut = Command.run(
            ["\(Command.folder)/soma", "train"] + words + ["--device", "cpu", "--output", "run"], in: folder,
            interrupt: (SIGINT, { self.folder.exists("run/last.safetensors") }))
        #expect(cut.status == 130)
        #expect(cut.lines.contains { $0.hasPrefix("interrupted at ") } && cut.output.contains("--resume run"))
        #expect(!folder.exists("run/\(picture)"))
        let resumed = Command.soma("train", "--resume", "run", in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)")
        #expect(folder.exists("run/\(picture)"))
        #expect(cut.lines.filter { $0.contains("accuracy 0.") }.allSatisfy(resumed.lines.contains))
    }

    @Test func whatKeepsNoCheckpointBeginsAnew() {
        #expect(Command.soma("train", "perceptron", "--device", "cpu", in: folder).status == 0)
        Command.soma("train", "perceptron", "--resume", in: folder).expectComplaint(2, "perceptron keeps no checkpoint", "anew")
    }

    @Test func oneRunAtATime() throws {
        mkdir("\(folder.path)/cut", 0o777)
        let lock = open("\(folder.path)/cut/.lock", O_RDWR | O_CREAT, 0o600)
        defer { close(lock) }
        try #require(flock(lock, LOCK_EX) == 0)
        train("cut").expectComplaint(1, "another run", "cut")
    }
}
