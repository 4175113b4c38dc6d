import Glibc
import Soma
import SomaZoo
import Testing

@testable import SomaCLI

/// The command called wrongly: status 2, and what was perhaps meant.
@Suite struct UsageTests {
    let folder = TestFolder()

    @Test func unknownNames() {
        Command.soma("trian", in: folder).expectComplaint(2, "'trian'", "train")
        Command.soma("data", "mnst", in: folder).expectComplaint(2, "'mnst'", "mnist")
        Command.soma("train", "digit", in: folder).expectComplaint(2, "'digit'", "did you mean digits")
        Command.soma("train", "digits", "hiden=3", in: folder).expectComplaint(2, "'hiden'", "did you mean hidden")
        Command.soma("train", "digits", "lr=fast", in: folder).expectComplaint(2, "lr=fast")
        Command.soma("train", "digits", "128", in: folder).expectComplaint(2, "'128'", "key=value")
        Command.soma("train", "digits", "--device", "cpi", in: folder).expectComplaint(2, "'cpi'", "cpu")
        Command.soma("bench", "--workload", "gem_1024", in: folder).expectComplaint(2, "'gem_1024'", "gemm_1024")
        #expect(!folder.exists("runs"), "a mistaken command leaves nothing behind")
    }

    /// A setting may be written as an option, and is one of the recipe that is named.
    @Test func settingsAsOptions() throws {
        #expect(try SettingOptions.rewritten(["train", "resnet20", "--image-size", "8", "--strict", "--seed", "3", "--batch=4", "lr=1"])
            == ["train", "resnet20", "image-size=8", "strict=yes", "--seed", "3", "batch=4", "lr=1"])
        // The first that is named, whatever folders are called.
        #expect(try SettingOptions.rewritten(["train", "digits", "--output", "xor", "--hidden", "8"]) == ["train", "digits", "--output", "xor", "hidden=8"])
        #expect(try SettingOptions.rewritten(["evaluate", "digits", "--hidden", "8"]) == ["evaluate", "digits", "--hidden", "8"])
        for recipe in Recipes.all {
            let own = ["device", "data", "epochs", "seed", "output", "resume", "json", "verbose", "memory", "check-against", "profile", "interval", "help"]
            #expect(Set(own).isDisjoint(with: recipe.settings.map(\.key)), "an option of \(recipe.name) would be hidden")
        }
        Command.soma("train", "digits", "--hidden", in: folder).expectComplaint(2, "nothing stands behind --hidden")
        Command.soma("train", "digits", "--image-size", "8", in: folder).expectComplaint(2, "setting of digits", "image-size")
    }

    /// What a word means does not depend on the files that happen to be there.
    @Test func settingsThatAreNamesOfFolders() throws {
        let words = ["train", "digits", "hidden=8", "lr=0.001", "--output", "lr=0.001", "--device", "cpu", "--epochs", "1"]
        for _ in 0..<2 {
            let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
            #expect(command.status == 0, "\(command.complaint)")
            #expect(try JSON(parsing: folder.text("lr=0.001/config.json"))["settings"]?["lr"] == "0.001")
        }
        // A run in a folder of such a name is told by a slash.
        #expect(Command.soma("train", "--resume", "./lr=0.001", "--epochs", "2", in: folder).status == 0)
        Command.soma("train", "--resume", "lr=0.001", in: folder).expectComplaint(2, "--resume needs a recipe")
    }

    /// Names from files may be of any length: nobody looks for what was perhaps meant then.
    @Test func longNamesAreNotCompared() {
        #expect(nearestNames(to: "digit", among: ["digits"]) == ["digits"])
        #expect(nearestNames(to: String(repeating: "digits", count: 10_000_000), among: ["digits"]).isEmpty)
    }

    @Test func argumentsThatAreNoUTF8() {
        let command = Command.run(["/bin/bash", "-c", "exec \(Command.folder)/soma inspect $'a\\xff'"], in: folder)
        command.expectComplaint(2, "no UTF-8")
        let variable = Command.run(["/bin/bash", "-c", "SOMA_CACHE=$'/tmp/a\\xff' exec \(Command.folder)/soma devices"], in: folder)
        variable.expectComplaint(2, "SOMA_CACHE is no UTF-8")
    }

    @Test func missingWords() {
        Command.soma("train", in: folder).expectComplaint(2, "recipe", "digits", "mnist-mlp")
        Command.soma("train", "mnist-mlp", in: folder).expectComplaint(2, "--data")
        Command.soma("train", "digits", "--data", "x", in: folder).expectComplaint(2, "--data", "takes no")
        Command.soma("train", "--resume", in: folder).expectComplaint(2, "--resume")
    }

    @Test(arguments: [
        ["train", "digits", "--devise", "cpu"], ["train", "digits", "--epochs", "many"], ["train", "digits", "--epochs", "-1"],
        ["train", "digits", "--memory", "lots"], ["train", "digits", "--seed", "-1"], ["bench", "--budget", "0"], ["predict"], ["inspect"],
        ["predict", "a", "b", "--top", "0"], ["data", "mnist", "--mirror", "ftp://x/"], ["devices", "cpu"], ["inspect", "a", "b"],
    ])
    func badOptions(words: [String]) {
        let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
        #expect(command.status == 2)
        #expect(command.output.isEmpty)
        #expect(command.complaint.contains("Usage: soma \(words[0])") || command.complaint.contains("soma"))
    }

    /// What is wrong with a number is said, also where it looks like an option.
    @Test func numbersOutOfRange() {
        let epochs = "whole number from 0 to 1000000000"
        for wrong in ["-1", "9223372036854775807", "many"] {
            let command = Command.soma("train", "digits", "--epochs", wrong, in: folder)
            #expect(command.status == 2 && command.complaint.contains("'\(wrong)'") && command.complaint.contains(epochs))
        }
        let seed = Command.soma("train", "digits", "--seed", "-1", in: folder)
        #expect(seed.status == 2 && seed.complaint.contains("whole number from 0 to 18446744073709551615"))
        for words in [["predict", "a", "b", "--top", "-1"], ["train", "digits", "--interval", "-1"], ["bench", "--budget", "-1"]] {
            let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
            #expect(command.status == 2 && command.complaint.contains("\(words[words.count - 2]) takes"), "\(command.complaint)")
        }
        let output = Command.soma("train", "digits", "--output", "", in: folder)
        output.expectComplaint(2, "'--output' is empty")
    }

    /// Words that a shell makes of a variable that is not set, and such as hold more than a line.
    @Test func wordsThatAreEmptyOrHaveLines() {
        Command.soma("", in: folder).expectComplaint(2, "the first argument is empty")
        Command.soma("train", "digits", "", in: folder).expectComplaint(2, "behind 'digits' is empty")
        Command.soma("train", "mnist-mlp", "--data", "", in: folder).expectComplaint(2, "behind '--data' is empty")
        Command.soma("train", "mnist-mlp", "--data=", in: folder).expectComplaint(2, "nothing stands behind '--data='")
        Command.soma("inspect", "", in: folder).expectComplaint(2, "behind 'inspect' is empty")
        Command.soma("train", "dig\nits", in: folder).expectComplaint(2, "'dig its'", "did you mean digits")
        Command.soma("train", "digits", "hidden=8\nlr=1", in: folder).expectComplaint(2, "hidden=8 lr=1: hidden is")
        Command.soma("train", "digits", "hid\r\nden=8", in: folder).expectComplaint(2, "'hid  den'")
        Command.soma("nope\n", in: folder).expectComplaint(2, "'nope '")
        #expect(!folder.exists("runs"))
    }

    @Test func environmentNamesTheDevice() {
        let nonsense = ["SOMA_DEVICE": "cpx"]
        Command.soma("train", "digits", in: folder, environment: nonsense).expectComplaint(2, "'cpx'", "cpu")
        let devices = Command.soma("devices", in: folder, environment: nonsense)
        devices.expectComplaint(0, "SOMA_DEVICE=cpx", "none is the default")
        #expect(!devices.output.contains("*"))
    }

    @Test func wordsOfTheEnvironmentAreChecked() {
        let wrong = ["SOMA_MATMUL": "openBlass", "SOMA_WITHOUT": "opencl,curl", "SOMA_KERNELS": "tpu", "SOMA_DRIVER_WAIT": "0.5"]
        let lines = Command.soma("devices", in: folder, environment: wrong).complaint.split(separator: "\n")
        #expect(lines == [
            "soma: SOMA_MATMUL: 'openBlass' is none of own, openblas, onednn",
            "soma: SOMA_WITHOUT: 'curl' is none of opencl, clblast, openblas, onednn, openmp, libcurl, winograd",
            "soma: SOMA_KERNELS: 'tpu' is none of gpu, cpu",
            "soma: SOMA_DRIVER_WAIT: '0.5' is no whole number of seconds from 1 to 600",
        ])
        let right = ["SOMA_MATMUL": "OpenBLAS", "SOMA_WITHOUT": "OpenCL,libcurl", "SOMA_MEMORY": "", "SOMA_DRIVER_WAIT": "600"]
        #expect(Command.soma("devices", in: folder, environment: right).complaint == "")
    }

    @Test func helpTeaches() {
        for words in [["--help"], ["train", "--help"], ["train", "digits", "--help"], ["evaluate", "--help"], ["bench", "--help"], ["data", "mnist", "--help"]] {
            let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
            #expect(command.status == 0)
            #expect(command.complaint.isEmpty)
            #expect(command.output.contains("soma "))
        }
        #expect(Command.soma("train", "digits", "--help", in: folder).output.contains("lr"))
        #expect(Command.soma("train", "--help", in: folder).output.contains("keep no checkpoint and begin anew: perceptron."))
        #expect(Command.soma("train", "perceptron", "--help", in: folder).output.contains("keeps no checkpoint"))
    }

    /// On a terminal of 80 columns nothing is broken in the middle, and what is a list or a command stays indented.
    @Test func helpIsEightyColumnsWide() throws {
        let commands = ["devices", "train", "evaluate", "features", "predict", "generate", "bench", "data", "inspect", "data mnist"].map { $0.split(separator: " ").map(String.init) }
        let recipes = [
            "digits", "mnist-mlp", "lenet", "alexnet", "resnet18", "resnet20", "vgg11", "vanishing-gradient", "autoencoder", "vae", "dcgan", "alternatives",
            "char-lstm", "char-gru", "gpt-nano", "copy-task", "sentiment",
        ]
        for words in [[]] + commands + recipes.map({ ["train", $0] }) {
            let lines = Command.run(["\(Command.folder)/soma"] + words + ["--help"], in: folder).lines
            // The parser breaks no usage, and tables of settings are as wide as they are.
            for line in lines where !line.hasPrefix("USAGE:") {
                #expect(line.count <= 80 || words.count == 2 && line.hasPrefix(" "), "\(line)")
            }
        }
        let train = Command.soma("train", "--help", in: folder).lines
        let first = try #require(train.firstIndex { $0.hasPrefix("  perceptron:") })
        let end = try #require(train.firstIndex { $0.hasPrefix("The run folder") })
        #expect(train[first..<end].allSatisfy { $0.hasPrefix("  ") })
        #expect(Command.soma("predict", "--help", in: folder).lines.contains { $0.hasPrefix("  soma predict") && $0.hasSuffix("--index 7") })
        let explained = Command.soma("train", "mnist-mlp", "--help", in: folder).output
        #expect(explained.contains("activation=sigmoid \\\n    dropout=0 smoothing=0 shift=0 lr=1e-2"))
    }

    /// Where a line would take all columns the parser breaks it, without the indent.
    @Test func listsKeepTheirIndent() throws {
        for (columns, name) in [("80", "bench"), ("61", "bench"), ("80", "train"), ("61", "train")] {
            let lines = Command.soma(name, "--help", in: folder, environment: ["COLUMNS": columns]).lines
            let first = try #require(lines.firstIndex { $0.hasPrefix(name == "bench" ? "  gemm_256:" : "  perceptron:") })
            let end = try #require(lines.firstIndex { $0.hasPrefix(name == "bench" ? "  soma bench --list" : "The run folder") })
            #expect(end > first + 5 && lines[first..<end].allSatisfy { $0.hasPrefix("  ") }, "\(columns): \(lines[first..<end])")
        }
    }

    /// Help is there, whatever COLUMNS says.
    @Test(arguments: ["0", "-3", "1", "10", "27", "-9223372036854775808", "9223372036854775807", "99999999999999999999", "wide", ""])
    func helpHasAWidth(columns: String) {
        for words in [["--help"], ["train", "--help"], ["bench", "--help"], ["help", "data"]] {
            let help = Command.run(["\(Command.folder)/soma"] + words, in: folder, environment: ["COLUMNS": columns])
            #expect(help.status == 0 && help.complaint.isEmpty, "\(columns): \(help.complaint)")
            #expect(help.output.hasPrefix("OVERVIEW: ") && help.output.contains("--help  "), "\(columns): \(help.output.prefix(200))")
        }
        #expect(Command.soma("train", "digits", "--epochs", "x", in: folder, environment: ["COLUMNS": columns]).complaint.contains("Passes over the data"))
        #expect(HelpWidth.columns(named: columns, terminal: 60) == (columns == "9223372036854775807" ? .max : Int(columns) ?? 0 > 0 ? 40 : 60))
        #expect(HelpWidth.columns(named: columns, terminal: 10) >= 40)
    }

    @Test func prose() {
        #expect(Prose.wrapped(String(repeating: "word ", count: 17), indents: (1, 2)) == " " + String(repeating: "word ", count: 15) + "word\n  word")
    }

    @Test func namesAreCheckedBeforeAnythingIsTold() {
        let reference = Command.soma("train", "digits", "--check-against", "nope", in: folder)
        reference.expectComplaint(2, "'nope'")
        #expect(reference.output.isEmpty && !folder.exists("runs"))
        let memory = Command.soma("train", "digits", "--memory", "abc", in: folder)
        #expect(memory.status == 2 && memory.complaint.contains("abc") && memory.complaint.contains("512M or 4G"), "\(memory.complaint)")
    }

    @Test func byteCounts() {
        #expect(ByteCount("4G")?.count == 4 << 30)
        #expect(ByteCount("1.5 KiB")?.count == 1536)
        #expect(ByteCount("100B")?.count == 100)
        for wrong in ["", "G", "0", "-1G", "4X", "1e30G", "4GG"] { #expect(ByteCount(wrong) == nil, "\(wrong)") }
    }
}
