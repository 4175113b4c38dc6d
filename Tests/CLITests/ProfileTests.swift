import Soma
import Testing

@testable import SomaCLI

/// What soma profile and soma train --profile tell of training steps.
@Suite struct ProfileTests {
    let folder = TestFolder()

    @Test func partsMakeUpTheWhole() throws {
        let command = Command.soma(
            "profile", "digits", "--device", "cpu", "--steps", "4", "--warm-up", "2", "hidden=32", "--json", "--timeline", "t.json", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        let objects = try command.lines.map { try JSON(parsing: $0) }
        let whole = try #require(objects.first)
        func seconds(_ kind: String) -> Double { objects.filter { $0["event"]?.string == kind }.compactMap { $0["seconds"]?.double }.reduce(0, +) }
        let (wall, busy, idle) = (whole["wall_seconds"]?.double ?? 0, whole["launch_seconds"]?.double ?? 0, whole["idle_seconds"]?.double ?? -1)
        #expect(whole["steps"] == 4 && busy > 0 && idle >= 0 && busy + idle <= wall)
        // The CPU runs one launch at a time, so that the rows add up to the whole.
        #expect(abs(seconds("step") - busy) <= 1e-6 * busy && abs(seconds("kernel") - busy) <= 1e-6 * busy)
        let rows = objects.filter { $0["event"]?.string == "step" }
        #expect(rows.contains { $0["name"]?.string?.hasPrefix("matmul ") == true && ($0["operations"]?.double ?? 0) > 0 })
        for row in rows {
            #expect((row["launches"]?.integer ?? 1) % 4 == 0 && (row["bytes_written"]?.double ?? 0) > 0 && row["share_of_limit"]?.double != nil)
        }
        // Steps, kernels and the timeline tell of the same work.
        func work(_ kind: String, _ member: String) -> Double {
            objects.filter { $0["event"]?.string == kind }.compactMap { $0[member]?.double }.reduce(0, +)
        }
        for member in ["operations", "bytes_read", "bytes_written"] { #expect(work("kernel", member) == work("step", member), "\(member)") }
        try check(timeline: "t.json", launchCount: rows.reduce(0) { $0 + ($1["launches"]?.integer ?? 0) }, wall: wall)
    }

    /// Complete events that end within the time that was watched, each on a thread that has a name.
    private func check(timeline: String, launchCount: Int, wall: Double) throws {
        let events = try #require(JSON(parsing: folder.text(timeline))["traceEvents"]?.array)
        let named = Set(events.filter { $0["name"]?.string == "thread_name" }.compactMap { $0["tid"]?.integer })
        let complete = events.filter { $0["ph"]?.string == "X" }
        #expect(complete.filter { $0["cat"]?.string == "device" }.count == launchCount)
        #expect(complete.contains { $0["name"]?.string == "enqueue" && $0["cat"]?.string == "host" })
        for event in complete {
            let (start, length) = (event["ts"]?.double ?? -1, event["dur"]?.double ?? -1)
            #expect(start >= 0 && length >= 0 && start + length <= wall * 1e6 + 1 && named.contains(event["tid"]?.integer ?? -1))
        }
    }

    @Test func tables() {
        let command = Command.soma("profile", "digits", "--device", "cpu", "--steps", "2", "--warm-up", "1", "hidden=32", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        for word in ["digits on cpu: 2 training steps", "of limit", "MFLOP a step", "matmul, own kernel", "enqueue", "GFLOP/s"] { #expect(command.output.contains(word)) }
    }

    /// Watching changes no number of what is trained.
    @Test func trainingGoesOn() {
        for (name, words) in [("plain", []), ("watched", ["--profile", "t.json"])] {
            let command = Command.run(
                ["\(Command.folder)/soma", "train", "digits", "--device", "cpu", "--epochs", "1", "hidden=32", "--output", name] + words, in: folder)
            #expect(command.status == 0, "\(command.complaint)")
            #expect(command.output.contains("wrote t.json") == (name == "watched"))
        }
        #expect(folder.text("watched/last.safetensors") == folder.text("plain/last.safetensors"))
        #expect(folder.text("t.json").contains("traceEvents"))
        let short = Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "batch=1000", "--profile", "none.json", in: folder)
        #expect(short.status == 0 && short.output.contains("none.json is not written") && folder.text("none.json").isEmpty, "\(short.complaint)")
    }

    @Test func saysWhatCannotBe() {
        Command.soma("profile", "nothing", in: folder).expectComplaint(2, "nothing")
        let none = Command.soma("profile", "digits", "--steps", "0", in: folder)
        #expect(none.status == 2 && none.complaint.contains("--steps takes"))
        Command.soma("profile", "digits", "--timeline", "none/t.json", in: folder).expectComplaint(1, "none/t.json")
        Command.soma("profile", "perceptron", "--device", "cpu", in: folder).expectComplaint(1, "perceptron", "--steps")
    }
}
