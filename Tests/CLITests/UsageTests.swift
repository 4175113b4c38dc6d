import Glibc
import Soma
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

    @Test func environmentNamesTheDevice() {
        Command.soma("train", "digits", in: folder, environment: ["SOMA_DEVICE": "cpx"]).expectComplaint(2, "'cpx'", "cpu")
    }

    @Test func helpTeaches() {
        for words in [["--help"], ["train", "--help"], ["train", "digits", "--help"], ["bench", "--help"], ["data", "mnist", "--help"]] {
            let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
            #expect(command.status == 0)
            #expect(command.complaint.isEmpty)
            #expect(command.output.contains("soma "))
        }
        #expect(Command.soma("train", "digits", "--help", in: folder).output.contains("lr"))
    }

    @Test func byteCounts() {
        #expect(ByteCount(argument: "4G")?.count == 4 << 30)
        #expect(ByteCount(argument: "1.5 KiB")?.count == 1536)
        #expect(ByteCount(argument: "100B")?.count == 100)
        for wrong in ["", "G", "0", "-1G", "4X", "1e30G", "4GG"] { #expect(ByteCount(argument: wrong) == nil, "\(wrong)") }
    }
}
