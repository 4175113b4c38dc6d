import Glibc
import Soma
import Testing

/// Runs that go on elsewhere, for longer, or not at all.
@Suite(.serialized) struct ResumeTests {
    let folder = TestFolder()

    private func train(_ words: String...) -> Command {
        Command.run(["\(Command.folder)/soma", "train", "--device", "cpu", "hidden=16"] + words, in: folder)
    }

    /// All that is in a folder, by name.
    private func contents(_ name: String) -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for file in ["config.json", "metrics.csv", "curves.svg", "best.safetensors", "last.safetensors"] { result[file] = folder.bytes("\(name)/\(file)") }
        return result
    }

    private func epochs(_ name: String) -> [String] {
        folder.text("\(name)/metrics.csv").split(separator: "\n").dropFirst().map { String($0.split(separator: ",", omittingEmptySubsequences: false)[1]) }
    }

    @Test func anotherFolderGetsWhatThereIs() throws {
        #expect(train("digits", "--epochs", "4", "--output", "old").status == 0)
        #expect(train("digits", "--epochs", "1", "--output", "new", "lr=0.0001").status == 0)
        let (before, other) = (contents("old"), contents("new"))
        let command = train("digits", "--resume", "old", "--epochs", "5", "--output", "new")
        #expect(command.status == 0, "\(command.complaint)")
        #expect(command.output.contains("the earlier run is now in new.1") && command.output.contains("best.safetensors and metrics.csv come along from old"))
        #expect(contents("old") == before && contents("new.1") == other)
        #expect(epochs("new") == ["1", "2", "3", "4", "5"])
        let best = try Checkpoint(path: "\(folder.path)/new/best.safetensors").metadata
        let last = try Checkpoint(path: "\(folder.path)/new/last.safetensors").metadata
        #expect(best["best.epoch"] == last["best.epoch"] && best["best.value"] == last["best.value"])
        // The folder itself, by another path, is no other folder.
        #expect(!train("digits", "--resume", "old", "--epochs", "5", "--output", "./new/../old").output.contains("come along"))
    }

    @Test func whatDoesNotComeAlongIsSaid() throws {
        #expect(train("digits", "--epochs", "2", "--output", "old").status == 0)
        unlink("\(folder.path)/old/best.safetensors")
        unlink("\(folder.path)/old/metrics.csv")
        let command = train("digits", "--resume", "old", "--epochs", "3", "--output", "new", "--json")
        #expect(command.status == 0, "\(command.complaint)")
        let texts = try command.lines.map { try JSON(parsing: $0) }.compactMap { $0["text"]?.string }
        #expect(texts.contains("nothing comes along from old; there is no metrics.csv; its best weights are not there"), "\(texts)")
    }

    @Test func nothingToDoIsSaidAndChangesNothing() throws {
        #expect(train("digits", "--epochs", "3", "--output", "run").status == 0)
        let before = contents("run")
        for (asked, words) in [("2", "3 epochs are done already, and 2 are asked for"), ("3", "all 3 epochs are done")] {
            let command = train("digits", "--resume", "run", "--epochs", asked)
            #expect(command.status == 0, "\(command.complaint)")
            #expect(command.output.contains("nothing to do: \(words); --epochs 4 or more goes on"), "\(command.output)")
            #expect(!command.output.contains("goes on in epoch") && command.output.contains("test accuracy"))
            #expect(contents("run") == before)
            let elsewhere = train("digits", "--resume", "run", "--epochs", asked, "--output", "none")
            #expect(elsewhere.status == 0 && !folder.exists("none"))
            #expect(elsewhere.output.contains("float32, in run\n") && !elsewhere.output.contains("none"), "\(elsewhere.output)")
        }
        let json = train("digits", "--resume", "run", "--epochs", "2", "--output", "none", "--json")
        #expect(try JSON(parsing: try #require(json.lines.first))["output"] == "run")
        #expect(try JSON(parsing: try #require(json.lines.last))["event"] == "result")
    }

    /// More epochs make another schedule: the rate it goes on at is told before the first update.
    @Test func anotherScheduleIsTold() throws {
        #expect(train("digits", "--epochs", "3", "--output", "run").status == 0)
        let command = train("digits", "--resume", "run", "--epochs", "6")
        let told = try #require(command.lines.firstIndex { $0.contains("the schedule cosine is over 6 epochs now and not 3: the learning rate goes on at ") })
        #expect(told < (try #require(command.lines.firstIndex { $0.hasPrefix("epoch 4/6") })))
        #expect(train("digits", "--epochs", "3", "--output", "same", "schedule=constant", "warmup=0").status == 0)
        #expect(!train("digits", "--resume", "same", "--epochs", "4").output.contains("the learning rate goes on"))
    }

    /// Of every recipe whose rate falls over all epochs, and of the phases that are over.
    @Test func anotherNumberOfEpochsIsTold() throws {
        func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma", "train", "--device", "cpu"] + words, in: folder) }
        #expect(soma("table", "--epochs", "3", "--output", "table").status == 0)
        let told = "the schedule cosine is over 6 epochs now and not 3: the learning rate goes on at "
        #expect(soma("table", "--resume", "table", "--epochs", "6").output.contains(told))
        #expect(soma("shallow-deep", "--epochs", "3", "depths=1", "--output", "depth").status == 0)
        let depth = soma("shallow-deep", "--resume", "depth", "--epochs", "6").output
        #expect(depth.contains(told) && depth.contains("--epochs 6 and began with 3: phases 1 to 2 are over and stay as trained"), "\(depth)")
        #expect(!soma("shallow-deep", "--resume", "depth", "--epochs", "6").output.contains("began with"))
    }

    /// A signal after the last update stops nothing that is not done.
    @Test func theEndIsNotInterrupted() throws {
        let words = ["train", "digits", "--device", "cpu", "--epochs", "2", "hidden=16", "--output", "run", "--json"]
        let command = Command.run(["\(Command.folder)/soma"] + words, in: folder, interrupt: (SIGTERM, { epochs("run").count == 2 }))
        #expect(command.status == 0, "\(command.complaint)")
        #expect(try JSON(parsing: try #require(command.lines.last))["event"] == "result")
    }
}
