import Soma
import Testing

@testable import SomaCLI

/// A text in, another out.
@Suite struct WritingTests {
    let folder = TestFolder()

    private func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words, in: folder) }

    private func train() throws {
        try folder.write("play.txt", Array(String(repeating: "To be, or not to be.\n", count: 60).utf8))
        let train = soma(
            "train", "char-lstm", "--device", "cpu", "--data", "play.txt", "units=16", "layers=1", "batch=4", "length=16", "lr=0.02", "--epochs", "4",
            "--json")
        #expect(train.status == 0, "\(train.complaint)")
        #expect(train.lines.contains { $0.hasPrefix(#"{"event":"epoch""#) && $0.contains(#""test_bits_per_character""#) }, "\(train.output)")
    }

    @Test func textsGoOn() throws {
        try train()
        #expect(folder.exists("runs/char-lstm/samples/epoch-0004.txt") && folder.exists("runs/char-lstm/curves.svg"))
        #expect(folder.text("runs/char-lstm/metrics.csv").hasPrefix("model,epoch,step,loss,test_loss,test_perplexity,test_bits_per_character"))
        let words = ["generate", "runs/char-lstm", "--device", "cpu", "--prompt", "To be", "--length", "30", "--seed", "7"]
        func generate(_ more: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words + more, in: folder) }
        let shown = generate()
        #expect(shown.status == 0 && shown.output.hasPrefix("To be") && shown.output.unicodeScalars.count == 36, "\(shown.output)")
        #expect(shown.complaint.hasPrefix("soma: 30 tokens in ") && shown.complaint.contains(" tokens/s, seed 7"), "\(shown.complaint)")
        let json = try JSON(parsing: generate("--json").output)
        #expect("To be" + (json["text"]?.string ?? "") + "\n" == shown.output && json["tokens"] == 30 && json["seed"] == 7 && json["recipe"] == "char-lstm")
        #expect(generate("--output", "text.txt").lines[0].hasPrefix("wrote text.txt: 30 tokens") && folder.text("text.txt") == shown.output)
        #expect(generate("--temperature", "0").output == "To be, or not to be.\nTo be, or not \n")
        #expect(generate("--temperature", "2", "--top-k", "1").output == generate("--temperature", "0").output)

        for words in [["--length", "0"], ["--top-k", "0"], ["--top-p", "1.5"], ["--top-p", "0"], ["--temperature", "-1"], ["--temperature", "nan"]] {
            #expect(Command.run(["\(Command.folder)/soma", "generate", "runs/char-lstm"] + words, in: folder).status == 2, "\(words)")
        }
        generate("--walk", "3").expectComplaint(2, "--walk is for models that make pictures")
        #expect(generate("--output", "text.png").status == 2)
        generate("--output", "nowhere/text.txt").expectComplaint(1, "cannot write nowhere/text.txt")
        soma("generate", "runs/char-lstm", "--prompt", "To öe").expectComplaint(1, "--prompt, line 1, column 4", "'ö' (U+00F6)", "none of the")
        soma("predict", "runs/char-lstm", "play.txt").expectComplaint(2, "goes on with texts", "soma generate")
        soma("features", "runs/char-lstm").expectComplaint(1, "takes texts and no pictures")

        let scores = try JSON(parsing: soma("evaluate", "runs/char-lstm", "--json").output)
        #expect(["loss", "perplexity", "bits_per_character"].allSatisfy { scores[$0]?.double != nil } && scores["data"]?.string?.contains("the last 126 tokens of") == true)
        try folder.write("other.txt", Array("not to be".utf8))
        #expect(soma("evaluate", "runs/char-lstm", "--data", "other.txt").lines.contains { $0.hasPrefix("data") && $0.hasSuffix("the 9 tokens of other.txt") })
        try folder.write("odd.txt", Array("to be?".utf8))
        soma("evaluate", "runs/char-lstm", "--data", "odd.txt").expectComplaint(1, "odd.txt", "'?' (U+003F)")
        soma("evaluate", "runs/char-lstm", "--samples", "5").expectComplaint(2, "--samples is for samples that stand by themselves")
        soma("evaluate", "runs/char-lstm", "--data", "none.txt").expectComplaint(1, "none.txt")
        #expect(soma("inspect", "runs/char-lstm/last.safetensors").output.contains("carried.0"))
        let more = soma("train", "char-lstm", "--resume", "--epochs", "5")
        #expect(more.status == 0 && folder.exists("runs/char-lstm/samples/epoch-0005.txt"), "\(more.complaint)")
    }

    /// Rows are called by the network that they are of, in the phase in which a run begins or goes on too.
    @Test func networksHaveRowsOfTheirOwn() {
        func models() -> [String] { folder.text("runs/copy-task/metrics.csv").split(separator: "\n").dropFirst().map { String($0.prefix { $0 != "," }) } }
        let words = ["train", "copy-task", "--device", "cpu", "delay=3", "units=4", "samples=64", "--epochs"]
        #expect(Command.run(["\(Command.folder)/soma"] + words + ["1"], in: folder).status == 0)
        #expect(models() == ["copy-task: simple RNN", "copy-task: LSTM"])
        #expect(soma("train", "--resume", "runs/copy-task", "--epochs", "2").status == 0)
        #expect(models() == ["copy-task: simple RNN", "copy-task: LSTM", "copy-task: LSTM"])
        #expect(folder.text("runs/copy-task/curves.svg").contains(">copy-task: simple RNN: test</text>"))
    }

    @Test func classesOfTexts() throws {
        #expect(soma("train", "sentiment", "--device", "cpu", "units=16", "lr=0.01", "--epochs", "2").status == 0)
        let said = soma("predict", "runs/sentiment", "--text", "the film was dull.")
        #expect(said.lines.count == 1 && said.lines[0].hasPrefix("--text: negative "), "\(said.output)")
        try folder.write("texts.txt", Array("the film was great.\n\nthe plot is weak.\n".utf8))
        let json = try soma("predict", "runs/sentiment", "texts.txt", "--json").lines.map { try JSON(parsing: $0) }
        #expect(json.map { $0["line"] } == [1, 3] && json.map { $0["class"] } == ["positive", "negative"] && json[1]["file"] == "texts.txt")
        #expect(soma("predict", "runs/sentiment", "texts.txt", "--index", "1", "--top", "1").lines.map { $0.prefix(20) } == ["texts.txt:3: negative"].map { $0.prefix(20) })
        soma("predict", "runs/sentiment", "texts.txt", "--index", "2").expectComplaint(1, "texts.txt has 2 texts", "--index 1")
        try folder.write("torn.txt", [0x61, 0xFF, 0x0A])
        soma("predict", "runs/sentiment", "torn.txt").expectComplaint(1, "torn.txt is not a text in UTF-8")
        try folder.write("empty.txt", [0x0A])
        soma("predict", "runs/sentiment", "empty.txt").expectComplaint(1, "empty.txt is empty")
        soma("predict", "runs/sentiment", "none.txt").expectComplaint(1, "none.txt")
        soma("predict", "runs/sentiment", "texts.txt", "--output", "a.csv").expectComplaint(2, "--output a.csv is for rows of a table")
        soma("generate", "runs/sentiment").expectComplaint(1, "writes no texts", "soma predict")
        #expect(soma("predict", "runs/sentiment").status == 2)
        let scores = try JSON(parsing: soma("evaluate", "runs/sentiment", "--json", "--chart", "c.svg").output)
        #expect(scores["samples"] == 500 && (scores["accuracy"]?.double ?? 0) > 0.8 && folder.exists("c.svg"))
    }

    @Test func whatIsNoText() throws {
        try folder.write("empty.txt", [])
        soma("train", "char-gru", "--data", "empty.txt").expectComplaint(1, "empty.txt is empty")
        try folder.write("short.txt", Array("to be".utf8))
        soma("train", "char-gru", "--data", "short.txt").expectComplaint(1, "short.txt is too short", "batch=")
        try folder.write("torn.txt", Array("to b\u{FF}".utf8.dropLast(2)) + [0xFF, 0x20])
        soma("train", "char-gru", "--data", "torn.txt").expectComplaint(1, "torn.txt", "UTF-8")
        soma("train", "char-gru", "--data", "none.txt").expectComplaint(1, "none.txt")
        #expect(soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=8").status == 0)
        soma("generate", "runs/digits", "--prompt", "a").expectComplaint(1, "takes pictures and generates nothing")
    }
}
