import Glibc
import Soma
import Testing

@testable import SomaCLI

/// The command on a device of OpenCL, if there is one.
@Suite(.serialized) struct TuneCommandTests {
    let folder = TestFolder()
    private static let device: String? = {
        let name = Device.all().first { $0.name.hasPrefix("opencl:") }?.name
        if name == nil { print("skipped: no OpenCL device to tune") }
        return name
    }()

    private func tune(_ words: String..., environment: [String: String] = [:], interrupt: (signal: Int32, when: () -> Bool)? = nil) -> Command {
        tune(words, environment: environment, interrupt: interrupt)
    }

    private func tune(_ words: [String], environment: [String: String] = [:], interrupt: (signal: Int32, when: () -> Bool)? = nil) -> Command {
        let words = ["tune", "--allow-debug", "--device", Self.device ?? "opencl"] + words
        return Command.run(
            ["\(Command.folder)/soma"] + words, in: folder, environment: ["SOMA_TUNING": "\(folder.path)/tuning"].merging(environment) { $1 },
            interrupt: interrupt)
    }

    @Test(.enabled(if: device != nil)) func measuresCandidates() throws {
        var command = tune("--workload", "gemm_256", "--minutes", "0.12", "--json")
        // On a busy machine the time may be over before what ships is measured.
        for minutes in ["1", "10"] where command.complaint.contains("the time was over before") {
            command = tune("--workload", "gemm_256", "--minutes", minutes, "--json")
        }
        #expect(command.status == 0, "\(command.complaint)")
        let all = try command.lines.map { try JSON(parsing: $0) }
        let (events, trials) = (all.filter { $0["event"] != "trial" }, all.filter { $0["event"] == "trial" })
        #expect(events.map { $0["event"]?.string } == ["start", "class", "end"] && !trials.isEmpty)
        let found = events[1]
        #expect(found["class"]?.string == "matmul 1 256 256 256 nn" && (found["tried"]?.integer ?? 0) > 0 && (found["shipped_s"]?.double ?? 0) > 0)
        #expect(found["struck"]?.members?.isEmpty == true, "\(found)")
        // Kept is what is faster, and nothing else.
        let isFaster = found["choice"] != found["shipped"]
        let isKept = folder.exists("tuning/\(try #require(fileName))")
        #expect(isKept == isFaster && isKept == (events[2]["file"]?.string != nil))
    }

    private static let product = "matmul 1 256 256 256 nn"

    /// Of the class under way, too, what was found is told and kept: whether something is faster than the choice of before the machine decides.
    @Test(.enabled(if: device != nil), arguments: [SIGINT, SIGTERM]) func keepsWhatItHasWhenInterrupted(signal: Int32) throws {
        try writeTuning("\(Self.product)  8x32x32/8x32", ["SOMA_TUNING": "\(folder.path)/tuning"])
        let command = tune(
            "--workload", "gemm_256", "--minutes", "30", "--json",
            interrupt: (signal, { folder.text(".stdout").split(separator: "\n").count { $0.contains("\"trial\"") } > 3 }))
        #expect(command.status == 130, "\(command.complaint)")
        let events = try command.lines.map { try JSON(parsing: $0) }.filter { $0["event"] != "trial" }
        #expect(events.map { $0["event"]?.string } == ["start", "class", "end"] && events.last?["interrupted"] == true)
        let found = try #require(events.first { $0["event"] == "class" })
        #expect(found["before"]?.string == "8x32x32/8x32" && found["tried"]?.integer ?? 0 < found["candidates"]?.integer ?? 0)
        let choice = try #require(found["choice"]?.string)
        let text = folder.text("tuning/\(try #require(fileName))")
        #expect(text.contains("\n\(Self.product)  \(choice)\n") == (found["choice"] != found["shipped"]), "\(found) \(text)")
        #expect(events.last?["changed"]?.integer == (found["choice"] == found["before"] ? 0 : 1))
    }

    @Test(.enabled(if: device != nil)) func endsAtOnceAtTheSecondSignal() {
        // A second signal within a tenth of a second is an echo of the first, and a busy machine may deliver the first late.
        let words = "tune --allow-debug --device \(Self.device ?? "") --workload gemm_1024 --minutes 30 --json"
        let script = """
            \(Command.folder)/soma \(words) & search=$!
            until grep -q start .stdout; do sleep 0.02; done
            for signal in 1 2 3 4 5; do kill -TERM $search; sleep 0.25; done 2>/dev/null
            wait $search
            """
        let command = Command.run(["/bin/sh", "-c", script], in: folder, environment: ["SOMA_TUNING": "\(folder.path)/tuning"])
        #expect(command.status == 128 + SIGTERM && command.lines.count == 1, "\(command.output) \(command.complaint)")
    }

    /// A kill at any moment leaves the file as it was after the last class.
    @Test(.enabled(if: device != nil)) func aKillLeavesTheFile() throws {
        let environment = ["SOMA_TUNING": "\(folder.path)/tuning"]
        try writeTuning("\(Self.product)  8x32x32/8x32", environment)
        let name = "tuning/\(try #require(fileName))"
        let before = folder.bytes(name)
        func killed(at event: String, minutes: String) -> Command {
            tune(
                "--workload", "gemm_256,gemm_512", "--minutes", minutes, "--json",
                interrupt: (SIGKILL, { folder.text(".stdout").contains("\"event\":\"\(event)\"") }))
        }
        #expect(killed(at: "trial", minutes: "30").status == 128 + SIGKILL)
        #expect(folder.bytes(name) == before)
        var later = killed(at: "class", minutes: "0.3")
        // On a busy machine the time may be over with the first class.
        for minutes in ["2", "10"] where later.status != 128 + SIGKILL { later = killed(at: "class", minutes: minutes) }
        #expect(later.status == 128 + SIGKILL, "\(later.complaint)")
        let devices = Command.run(["\(Command.folder)/soma", "devices"], in: folder, environment: environment)
        #expect(devices.output.contains("as soma tune found best") && devices.complaint.isEmpty, "\(devices.output) \(devices.complaint)")
    }

    @Test(.enabled(if: device != nil)) func tellsOfAFolderThatCannotBeWritten() throws {
        try folder.write("occupied", [])
        for place in ["\(folder.path)/occupied", "\(folder.path)/occupied/below", "/proc/nowhere"] {
            tune("--workload", "gemm_256", environment: ["SOMA_TUNING": place]).expectComplaint(1, "cannot keep choices", place, "SOMA_TUNING")
        }
        let empty = tune("--workload", "gemm_256", environment: ["SOMA_TUNING": ""])
        empty.expectComplaint(1, "choices would be kept nowhere", "SOMA_TUNING is empty", "name a folder")
    }

    /// What there is no room for is told before the search, which leaves no part of a file.
    @Test(.enabled(if: device != nil)) func tellsOfADiskThatIsFull() {
        let words = "tune --allow-debug --device \(Self.device ?? "") --workload gemm_256"
        let command = Command.run(
            ["/bin/sh", "-c", "ulimit -f 1; exec \(Command.folder)/soma \(words)"], in: folder, environment: ["SOMA_TUNING": "\(folder.path)/tuning"])
        command.expectComplaint(1, "cannot keep choices", "too large")
        #expect(!folder.exists("tuning") || rmdir("\(folder.path)/tuning") == 0, "something was left")
    }

    @Test(.enabled(if: device != nil)) func tellsThatTheTimeWasTooShort() {
        let command = tune("--workload", "gemm_256", "--minutes", "1e-9")
        command.expectComplaint(1, "the time was over before", "--minutes")
        #expect(!folder.exists("tuning") || rmdir("\(folder.path)/tuning") == 0, "a file was written")
    }

    /// A recipe stands for its training step.
    @Test(.enabled(if: device != nil)) func takesRecipes() throws {
        func classes(_ words: String...) -> Int? {
            let command = Command.run(
                ["\(Command.folder)/soma", "tune", "--allow-debug", "--device", Self.device ?? "", "--minutes", "1e-9", "--json"] + words, in: folder,
                environment: ["SOMA_TUNING": "\(folder.path)/tuning"])
            return (command.lines.first.flatMap { try? JSON(parsing: $0) })?["classes"]?.integer
        }
        #expect(try #require(classes("--workload", "resnet20")) > 10)
        #expect(try #require(classes("--workload", "digits,gemm_256")) > #require(classes("--workload", "gemm_256")))
        tune("--workload", "lenet").expectComplaint(2, "lenet needs --data")
        tune("--workload", "gemm_256", "--data", "data").expectComplaint(2, "no recipe")
    }

    @Test func refusesWhatCannotBeTuned() {
        Command.soma("tune", "--allow-debug", "--device", "cpu", in: folder).expectComplaint(1, "cpu has nothing to tune")
        Command.soma("tune", "--workload", "gemm_25", in: folder).expectComplaint(2, "gemm_25", "did you mean gemm_256")
        Command.soma("tune", "--workload", "nothing", in: folder).expectComplaint(2, "nothing", "gemm_256", "resnet20")
        for minutes in ["-1", "0", "nan", "inf", "1e9", ""] {
            let command = Command.soma("tune", "--minutes", minutes, in: folder)
            #expect(command.status == 2 && command.complaint.contains("minutes"), "\(command.complaint)")
        }
    }

    /// A run keeps its choices, and goes on with them whatever was measured since.
    @Test(.enabled(if: device != nil)) func runsGoOnWithTheirChoices() throws {
        let (device, chosen) = (Self.device ?? "", "map 65536 flat  1x128")
        let environment = ["SOMA_TUNING": "\(folder.path)/tuning", "SOMA_DEVICE": device]
        func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words, in: folder, environment: environment) }
        // A file of another device names this one's path, and says what the file must say.
        let complaint = try writeTuning(chosen, environment)
        #expect(complaint.contains("made for"), "\(complaint)")
        let listing = soma("devices")
        #expect(listing.output.contains("\(device) computes 1 class of steps as soma tune found best"), "\(listing.output)")
        #expect(soma("train", "digits", "--epochs", "1", "hidden=8", "--output", "run").status == 0)
        let configuration = folder.text("run/config.json")
        #expect(configuration.contains("\"choices\":{\"map 65536 flat\":\"1x128\"}"), "\(configuration)")
        try writeTuning("map 65536 flat  1x256", environment)
        let resumed = soma("train", "digits", "--resume", "run", "--epochs", "2")
        #expect(resumed.status == 0 && !resumed.output.contains("last digits"), "\(resumed.output) \(resumed.complaint)")
        #expect(folder.text("run/config.json").contains("1x128"))
        // A profile around the device leaves its choices as they are.
        #expect(soma("train", "digits", "--epochs", "1", "hidden=8", "--output", "watched", "--profile", "t.json").status == 0)
        #expect(folder.text("watched/config.json").contains("\"choices\":{\"map 65536 flat\":\"1x256\"}"))
        let watched = soma("train", "digits", "--resume", "run", "--epochs", "3", "--profile", "t.json")
        #expect(watched.status == 0 && !watched.output.contains("last digits"), "\(watched.output) \(watched.complaint)")
        #expect(folder.text("run/config.json").contains("1x128"))
        let damaged = configuration.replacing("1x128", with: "1y128")
        try folder.write("damaged/last.safetensors", try #require(folder.bytes("run/last.safetensors")))
        try folder.write("damaged/config.json", Array(damaged.utf8))
        soma("train", "digits", "--resume", "damaged", "--epochs", "2").expectComplaint(1, "choices of an earlier run", "1y128")
        let elsewhere = soma("train", "digits", "--resume", "run", "--epochs", "4", "--device", "cpu")
        #expect(elsewhere.status == 0 && elsewhere.output.contains("its last digits may differ"), "\(elsewhere.output)")
    }

    /// Writes a tuning file for the device; gives what was said of one for another device.
    @discardableResult private func writeTuning(_ line: String, _ environment: [String: String]) throws -> String {
        func devices() throws -> JSON? {
            let command = Command.run(["\(Command.folder)/soma", "devices", "--json"], in: folder, environment: environment)
            return try JSON(parsing: command.output).array?.first { $0["name"]?.string == Self.device }?["tuning"]
        }
        let name = try #require(fileName)
        try folder.write("tuning/\(name)", Array("soma tuning 2\ndevice  another\ndriver  another\nend\n".utf8))
        let deviceReason = try #require(try devices()?["ignored"]?.string)
        let device = try #require(deviceReason.components(after: "and this is "))
        try folder.write("tuning/\(name)", Array("soma tuning 2\ndevice  \(device)\ndriver  another\nend\n".utf8))
        let driverReason = try #require(try devices()?["ignored"]?.string)
        let driver = try #require(driverReason.components(after: "and this is "))
        try folder.write("tuning/\(name)", Array("soma tuning 2\ndevice  \(device)\ndriver  \(driver)\n\(line)\nend\n".utf8))
        return deviceReason
    }

    /// Where the device's file would lie.
    private var fileName: String? {
        let command = tune("--workload", "gemm_256", environment: ["SOMA_TUNING": "/proc/nowhere"])
        guard let start = command.complaint.range(of: "/proc/nowhere/"), let end = command.complaint.range(of: ".txt") else { return nil }
        return String(command.complaint[start.upperBound..<end.upperBound])
    }
}

extension String {
    /// What follows a phrase.
    fileprivate func components(after phrase: String) -> String? { range(of: phrase).map { String(self[$0.upperBound...]) } }

    fileprivate func range(of phrase: String) -> Range<String.Index>? { ranges(of: phrase).first }
}
