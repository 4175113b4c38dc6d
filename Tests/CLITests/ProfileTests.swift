import Glibc
import Soma
import SomaBackend
import SomaGraph
import Testing

@testable import SomaCLI

/// What soma profile and soma train --profile tell of training steps.
@Suite struct ProfileTests {
    let folder = TestFolder()

    private static let devices = ["cpu"] + (Device.all().contains { $0.name == "opencl:0" } ? ["opencl:0"] : [])

    private func objects(_ command: Command) throws -> [JSON] {
        #expect(command.status == 0, "\(command.complaint)")
        return try command.lines.map { try JSON(parsing: $0) }
    }

    private func objects(_ kind: String, in objects: [JSON]) -> [JSON] { objects.filter { $0["event"]?.string == kind } }

    private func sum(_ member: String, _ objects: [JSON]) -> Double { objects.compactMap { $0[member]?.double }.reduce(0, +) }

    /// Kernels, gaps with a reason and what comes between steps are the time on the clock, but for a tenth at most.
    @Test(arguments: devices, [["xor"], ["digits", "hidden=32"], ["perceptron"], ["vanishing-gradient", "depths=3", "width=16"]])
    func partsMakeUpTheWhole(_ device: String, _ recipe: [String]) throws {
        // Where other processes take the cores, nobody knows what a moment went to: some attempt is left alone.
        var accounted = [try shareAccountedFor(device, recipe)]
        while accounted.count < 6 && !(0.9...1.1).contains(accounted[accounted.count - 1]) { accounted.append(try shareAccountedFor(device, recipe)) }
        #expect((0.9...1.1).contains(accounted[accounted.count - 1]), "\(accounted)")
    }

    private func shareAccountedFor(_ device: String, _ recipe: [String]) throws -> Double {
        let command = Command.run(["\(Command.folder)/soma", "profile"] + recipe + ["--device", device, "--json"], in: folder)
        let all = try objects(command)
        let (wall, parts, kernels) = (all.first?["wall_seconds"]?.double ?? 0, objects("part", in: all), objects("kernel", in: all))
        let named = parts.filter { ![StepProfile.unnamed, "launches"].contains($0["name"]?.string) }
        #expect(abs(sum("seconds", parts) - wall) <= 1e-6 * wall)
        let ratio = all.first?["watching"]?["ratio"]
        #expect((all.first?["steps"]?.integer ?? 0) >= 10 && (all.first?["rounds"]?.integer ?? 0) >= 1 && (ratio?["median"]?.double ?? 0) > 0)
        #expect((ratio?["lower_quartile"]?.double ?? 9) <= (ratio?["upper_quartile"]?.double ?? 0))
        for row in kernels {
            #expect((row["share_of_limit"]?.double ?? 0) > 0 && ["arithmetic", "bandwidth"].contains(row["limit"]?.string), "\(row)")
        }
        return (sum("seconds", kernels) + sum("seconds", named)) / wall
    }

    @Test func howLongToWatch() {
        let span = StepSpan.watch
        #expect(!span.isOver(9, 10) && !span.isOver(10, 0.09) && span.isOver(10, 0.1) && !span.isOver(999, 0.09) && span.isOver(1000, 0))
        #expect(!StepSpan(3).isOver(2, 100) && StepSpan(3).isOver(3, 0))
    }

    @Test func stepsKernelsAndTimelineTellOfTheSameWork() throws {
        let all = try objects(Command.soma(
            "profile", "digits", "--device", "cpu", "--no-limits", "--steps", "4", "--warm-up", "2", "hidden=32", "--json", "--timeline", "t.json", in: folder))
        let (steps, kernels) = (objects("device_step", in: all), objects("kernel", in: all))
        for row in kernels { #expect(row["share_of_limit"] == .null && row["limit"] == .null, "\(row)") }
        #expect(all.first?["steps"] == 4)
        #expect(steps.contains { $0["name"]?.string?.hasPrefix("matmul ") == true && ($0["operations"]?.double ?? 0) > 0 })
        for row in steps { #expect((row["launches"]?.integer ?? 1) % 4 == 0 && (row["bytes_written"]?.double ?? 0) > 0) }
        let launches = try events(of: folder.text("t.json")).filter { $0["cat"]?.string == "device" }
        // The CPU makes one launch of a step.
        for (member, name) in [("operations", "operations"), ("bytes_read", "bytes read"), ("bytes_written", "bytes written")] {
            let total = sum(member, steps)
            #expect(total > 0 && sum(member, kernels) == total && launches.reduce(0) { $0 + ($1["args"]?[name]?.double ?? 0) } == total)
        }
        #expect(launches.count == steps.reduce(0) { $0 + ($1["launches"]?.integer ?? 0) })
    }

    @Test func tables() {
        let command = Command.soma("profile", "digits", "--device", "cpu", "--steps", "2", "--warm-up", "1", "hidden=32", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        for word in [
            "digits on cpu: 2 training steps", "the median of ", " unwatched", "times as long watched (quartiles", "where the time went", "nothing runs while", "of limit",
            "MFLOP a step", "matmul, own kernel", "enqueueing", "GFLOP/s",
        ] { #expect(command.output.contains(word), "\(word)") }
        #expect(command.output.contains(/%  (arithmetic|bandwidth)/))
    }

    /// Pairs of rounds, and what their middle half says.
    @Test func whatWatchingCosts() {
        let costly = WatchingCost(watched: [1.2, 2.3, 1.1, 1.3, 1.2], unwatched: [1, 2, 1, 1, 1])
        #expect(!costly.isNoise && costly.verdict.hasPrefix("1.200 times as long watched (quartiles 1.150 and 1.200): watching costs 20.0 %"))
        // One disturbed round changes nothing.
        #expect(WatchingCost(watched: [1.2, 2.3, 1.1, 1.3, 9], unwatched: [1, 2, 1, 1, 1]).ratios.median < 1.21)
        for noise in [[1.2, 0.9, 0.8, 1.1, 1.0], [0.9, 0.8, 1.1, 1.0, 0.7], [1.5, 1.5]] {
            let cost = WatchingCost(watched: noise, unwatched: noise.map { _ in 1 })
            #expect(cost.isNoise && cost.verdict.hasSuffix("cannot be told from noise") && cost.json["is_noise"] == .bool(true))
        }
        let shorter = WatchingCost(watched: [0.8, 0.9, 0.8], unwatched: [1, 1, 1])
        #expect(!shorter.isNoise && shorter.verdict.contains("20.0 % less") && !shorter.verdict.contains("costs"))
    }

    /// What goes beyond the bandwidth of memory came out of a cache; arithmetic has no such excuse.
    @Test func dataInCaches() {
        func line(_ work: Work) -> String {
            let step = StepRecord(.map(LoopNest(outer: [1], body: Body())), ChoiceInUse(stepClass: "map 1 flat", choice: "1x64", isTuned: true))
            let launch = Timeline.Event(kind: .launch(step, kernel: "k", number: 0, work: work), start: 0, end: 1000)
            let limits = DevicePeaks([.float32: .value(1e9), .memoryRead: .value(1e9), .memoryWrite: .value(1e9), .memoryCopy: .value(1e9)])
            let profile = StepProfile(Timeline([launch], start: 0, end: 1000), stepCount: 1)
            let report = ProfileReport(profile: profile, recipe: "r", device: "d", limits: limits)
            #expect(report.objects.contains { ($0["share_of_limit"]?.double ?? 0) > 0 })
            #expect(report.lines.contains { $0.hasPrefix("map 1 ") && $0.hasSuffix("1x64 (tuned)") })
            return report.lines.last { $0.hasPrefix("k ") } ?? ""
        }
        #expect(line(Work(bytesRead: 2000)).contains("in cache  bandwidth") && line(Work(bytesRead: 500)).contains("50 %  bandwidth"))
        #expect(line(Work(operations: 2000)).contains("200 %  arithmetic"))
    }

    // MARK: Timeline

    /// The complete events of a timeline, found to be as the Trace Event Format asks for and viewers rely on.
    private func events(of text: String) throws -> [JSON] {
        let events = try #require(JSON(parsing: text)["traceEvents"]?.array)
        let (metadata, complete) = (events.filter { $0["ph"]?.string == "M" }, events.filter { $0["ph"]?.string == "X" })
        #expect(metadata.count + complete.count == events.count && metadata.first?["name"] == "process_name")
        let named = metadata.filter { $0["name"] == "thread_name" && $0["args"]?["name"]?.string?.isEmpty == false }.compactMap { $0["tid"]?.integer }
        #expect(Set(named).count == named.count && named.allSatisfy { $0 > 0 })
        var (open, last): ([Int: [Double]], Double) = ([:], 0)
        for event in complete {
            let start = try #require(event["ts"]?.double), length = try #require(event["dur"]?.double), row = try #require(event["tid"]?.integer)
            #expect(event["pid"] == 1 && event["name"]?.string?.isEmpty == false && event["cat"] != nil && named.contains(row))
            #expect(start >= last && length >= 0, "not in order, or of negative length: \(event)")
            last = start
            // Events of a row lie apart or within another, to the nanosecond.
            while let end = open[row]?.last, end <= start + 5e-4 { open[row]?.removeLast() }
            #expect((open[row]?.last ?? .infinity) + 5e-4 >= start + length, "not within what it began in: \(event)")
            open[row, default: []].append(start + length)
        }
        return complete
    }

    @Test(arguments: devices) func timelinesAreWellFormed(_ device: String) throws {
        let all = try objects(Command.soma("profile", "digits", "--device", device, "--no-limits", "--warm-up", "3", "hidden=32", "--json", "--timeline", "t.json", in: folder))
        let events = try events(of: folder.text("t.json"))
        #expect(events.contains { $0["cat"] == "device" } && events.contains { $0["name"] == "enqueueing" && $0["cat"] == "host" })
        #expect(events.contains { $0["name"] == "reading a batch" })
        // A device that leaves choices tells which it took.
        let chosen = objects("device_step", in: all).filter { $0["choices"]?.array?.isEmpty == false }
        #expect(chosen.isEmpty == (device == "cpu") && events.contains { $0["args"]?["choice"] != nil } == !chosen.isEmpty)
        let end = events.map { ($0["ts"]?.double ?? 0) + ($0["dur"]?.double ?? 0) }.max() ?? 0
        #expect(end <= (all.first?["wall_seconds"]?.double ?? 0) * 1e6 + 1)
    }

    /// Rows cannot show launches that overlap, so these get more rows.
    @Test func launchesThatOverlap() throws {
        func launch(_ start: Int, _ end: Int) -> Timeline.Event {
            .init(kind: .launch(StepRecord(.map(LoopNest(outer: [1], body: Body()))), kernel: "k", number: 0, work: Work()), start: start, end: end)
        }
        let timeline = Timeline([launch(0, 10), launch(5, 15), launch(10, 20), launch(12, 14)], start: 0, end: 20)
        let rows = try events(of: ChromeTrace(timeline, device: "many").text).map { $0["tid"]?.integer }
        #expect(rows == [1, 2, 1, 3])
    }

    // MARK: Runs

    /// Watching changes no number of what is trained.
    @Test func trainingGoesOn() throws {
        for (name, words) in [("plain", []), ("watched", ["--profile", "t.json"])] {
            let command = Command.run(
                ["\(Command.folder)/soma", "train", "digits", "--device", "cpu", "--epochs", "2", "hidden=32", "--output", name] + words, in: folder)
            #expect(command.status == 0, "\(command.complaint)")
            for word in ["wrote t.json", "digits on cpu: ", "where the time went", "of limit", "matmul, own kernel", "enqueueing"] {
                #expect(command.output.contains(word) == (name == "watched"), "\(word)")
            }
            // Which limit binds differs between processors.
            #expect(command.output.contains(/%  (arithmetic|bandwidth)/) == (name == "watched"))
        }
        #expect(folder.text("watched/last.safetensors") == folder.text("plain/last.safetensors"))
        #expect(try !events(of: folder.text("t.json")).isEmpty)
        let short = Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "batch=1000", "--profile", "none.json", in: folder)
        #expect(short.status == 0 && short.output.contains("none.json is not written") && folder.text("none.json").isEmpty, "\(short.complaint)")
    }

    /// A run says the same of its steps as `soma profile`, and whether they were warm.
    @Test func runsTellAsProfilesDo() throws {
        let long = try objects(Command.soma(
            "train", "digits", "--device", "cpu", "--epochs", "60", "hidden=32", "--profile", "t.json", "--json", in: folder))
        let whole = try #require(objects("profile", in: long).first)
        #expect(whole["is_warm"] == .bool(true) && (whole["steps"]?.integer ?? 0) >= 10 && whole["watching"] == .null)
        for kind in ["part", "device_step", "kernel", "host"] { #expect(!objects(kind, in: long).isEmpty, "\(kind)") }
        #expect(objects("kernel", in: long).allSatisfy { ($0["share_of_limit"]?.double ?? 0) > 0 } && long.last?["event"] == "result")
        let short = Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "batch=150", "hidden=32", "--profile", "s.json", in: folder)
        #expect(short.status == 0 && short.output.contains("too short to be warm") && short.output.contains("wrote s.json"), "\(short.output)")
    }

    /// Who reads the report may leave at once, or have no room for it.
    @Test(arguments: ["| head -1", ">/dev/full"]) func theTimelineIsWrittenFirst(_ reader: String) throws {
        let soma = "\(Command.folder)/soma profile xor --device cpu --no-limits --steps 5 --warm-up 1 --timeline t.json"
        _ = Command.run(["/bin/sh", "-c", "\(soma) \(reader)"], in: folder)
        #expect(try !events(of: folder.text("t.json")).isEmpty)
    }

    @Test func interruptedBeforeAStep() {
        let command = Command.run(
            ["\(Command.folder)/soma", "profile", "digits", "--device", "cpu", "--no-limits", "--warm-up", "10000", "hidden=1024,1024"], in: folder,
            interrupt: (SIGINT, { true }))
        command.expectComplaint(130, "interrupted before a step was watched")
    }

    /// What was watched until then is told.
    @Test func interruptedProfilesKeepWhatTheyHave() throws {
        // How long a step takes depends on the machine and on what else it does; the fastest does not make all of them in the shortest time.
        func interrupted(after seconds: Double) -> Command {
            let began = ContinuousClock.now
            return Command.run(
                [
                    "\(Command.folder)/soma", "profile", "digits", "--device", "cpu", "--no-limits", "--warm-up", "1", "--steps", "10000",
                    "hidden=1024,1024", "--timeline", "t.json",
                ], in: folder, interrupt: (SIGINT, { .now - began > .seconds(seconds) }))
        }
        var command = interrupted(after: 4)
        for seconds in [10.0, 30, 200] where command.output.isEmpty { command = interrupted(after: seconds) }
        #expect(command.status == 130 && command.complaint.isEmpty, "\(command.complaint)")
        #expect(command.output.contains("digits on cpu: ") && command.output.contains("where the time went") && command.output.contains("wrote t.json"))
        #expect(!command.output.contains("10,000 training steps") && !command.output.contains("unwatched"))
        #expect(command.lines.first == "wrote t.json")
        #expect(try !events(of: folder.text("t.json")).isEmpty)
    }

    @Test func saysWhatCannotBe() {
        Command.soma("profile", "nothing", in: folder).expectComplaint(2, "nothing")
        for option in ["--steps", "--warm-up"] {
            let none = Command.soma("profile", "digits", option, "0", in: folder)
            #expect(none.status == 2 && none.complaint.contains("expected is a whole number from 1"), "\(none.complaint)")
        }
        Command.soma("profile", "digits", "--timeline", "none/t.json", in: folder).expectComplaint(1, "none/t.json")
        Command.soma("profile", "xor", "--device", "cpu", "--no-limits", "--steps", "1", "--timeline", "/dev/full", in: folder).expectComplaint(1, "/dev/full")
        let full = Command.run(["/bin/sh", "-c", "exec \(Command.folder)/soma profile xor --device cpu --no-limits --steps 1 >/dev/full"], in: folder)
        full.expectComplaint(1, "standard output")
    }
}
