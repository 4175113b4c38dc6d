import Glibc
import Soma
import Testing

/// What can go wrong in the world: one line, status 1, and nothing lost.
@Suite struct HardTimesTests {
    let folder = TestFolder()

    @Test func brokenCheckpoints() throws {
        func expect(_ name: String, _ bytes: [UInt8], _ word: String) throws {
            try folder.write(name, bytes)
            Command.soma("inspect", name, in: folder).expectComplaint(1, name, word)
            Command.soma("predict", name, "x.png", in: folder).expectComplaint(1, name)
        }
        Command.soma("inspect", "none.safetensors", in: folder).expectComplaint(1, "none.safetensors", "No such file")
        Command.soma("inspect", "/", in: folder).expectComplaint(1, "/")
        try expect("empty.safetensors", [], "empty.safetensors")
        try expect("text.safetensors", Array("this is no tensor file".utf8), "header")
        try expect("huge.safetensors", [UInt8](repeating: 0xFF, count: 64), "header")
        let lie = #"{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}"#
        try expect("lie.safetensors", withUnsafeBytes(of: UInt64(lie.utf8.count)) { Array($0) } + Array(lie.utf8) + [0, 0, 0, 0], "lie")
    }

    /// What is no file or folder where one belongs: a line, and all is as it was.
    @Test func filesOfOtherKinds() throws {
        let words = ["train", "digits", "--device", "cpu", "hidden=8"]
        func train(_ more: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words + more, in: folder, limit: 120) }
        #expect(train("--epochs", "1", "--output", "run").status == 0)
        let last = folder.bytes("run/last.safetensors")
        try folder.write("file", [1, 2, 3])
        symlink("nowhere", "\(folder.path)/dangling")
        for (output, reason) in [("file", "file is"), ("file/below", "file is"), ("dangling", "dangling is"), ("/dev/null", "/dev/null is")] {
            train("--epochs", "1", "--output", output).expectComplaint(1, "\(reason) no folder")
        }
        #expect(folder.bytes("file") == [1, 2, 3])
        for name in ["metrics.csv", "config.json"] {
            rename("\(folder.path)/run/\(name)", "\(folder.path)/kept")
            mkfifo("\(folder.path)/run/\(name)", 0o600)
            train("--resume", "./run", "--epochs", "2").expectComplaint(1, "run/\(name)", "not a regular file")
            rename("\(folder.path)/kept", "\(folder.path)/run/\(name)")
        }
        symlink("../file", "\(folder.path)/run/.lock")
        train("--resume", "./run", "--epochs", "2").expectComplaint(1, "run/.lock is a link", "remove it")
        unlink("\(folder.path)/run/.lock")
        #expect(folder.bytes("run/last.safetensors") == last && folder.bytes("file") == [1, 2, 3])
        try folder.write("empty.safetensors", [])
        Command.soma("train", "--resume", "empty.safetensors", in: folder).expectComplaint(1, "empty.safetensors", "0 bytes")
        Command.soma("train", "mnist-mlp", "--data", "/dev/zero", in: folder).expectComplaint(1, "/dev/zero")
    }

    /// A configuration that says something else than a run has written: a line, and not a run of other settings.
    @Test func configurationsOfOtherKinds() throws {
        let right = #"{"recipe":"digits","device":"cpu","data":null,"epochs":1,"seed":0,"tuning":null,"settings":{"hidden":"8"}}"#
        func resume(_ text: String) throws -> Command {
            try folder.write("run/config.json", Array(text.utf8))
            return Command.soma("train", "--resume", "./run", in: folder)
        }
        for (old, new, reason) in [
            (#""hidden":"8""#, #""hidden":8"#, "'hidden' of 'settings' is no text in quotation marks"), (#"{"hidden":"8"}"#, "[8]", "no usable 'settings'"),
            (#","settings":{"hidden":"8"}"#, "", "no usable 'settings'"), (#""data":null"#, #""data":7"#, "no usable 'data'"),
            (#""tuning":null"#, #""tuning":{"device":5}"#, "its 'tuning' names no device"),
            (#""tuning":null"#, #""tuning":"cpu""#, "its 'tuning' names no device"),
            (#""tuning":null"#, #""tuning":{"device":"x","choices":{"map 16 flat":5}}"#, "'map 16 flat' of 'choices' is no text"),
            (#""epochs":1"#, #""epochs":1e3"#, "no usable 'epochs'"), (#""epochs":1"#, #""epochs":99999999999999999999"#, "no usable 'epochs'"),
            ("digits", "dig\\nits", "there is no recipe 'dig its'"), (#""8""#, #""8\n9""#, "hidden=8 9: hidden is"),
        ] {
            try resume(right.replacing(old, with: new)).expectComplaint(1, "run/config.json", reason)
        }
        #expect(!folder.exists("run/last.safetensors") && !folder.exists("run/metrics.csv"))
        let command = try resume(right)
        #expect(command.status == 0 && command.output.contains("hidden=8"), "\(command.complaint)")
    }

    /// What a run was asked for is read from its checkpoint; `config.json` is written from that, and says where the run was.
    @Test func settingsAreThoseOfTheCheckpoint() throws {
        func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words + ["--device", "cpu"], in: folder) }
        #expect(soma("train", "digits", "hidden=8", "--epochs", "1", "--seed", "3", "--output", "run").status == 0)
        let written = folder.text("run/config.json")
        for (number, text) in [
            written.replacing("\"hidden\":\"8\"", with: "\"hidden\":\"9\"").replacing("\"seed\":3", with: "\"seed\":4"),
            #"{"recipe":"digits","device":"cpu"}"#,
        ].enumerated() {
            #expect(text != written)
            try folder.write("run/config.json", Array(text.utf8))
            let resumed = soma("train", "--resume", "./run", "--epochs", "\(number + 2)")
            #expect(resumed.status == 0 && resumed.output.contains("hidden=8"), "\(resumed.complaint)")
            // What is no whole configuration is kept.
            #expect(resumed.output.contains("kept in") == (number == 1))
            let configuration = try JSON(parsing: folder.text("run/config.json"))
            #expect(configuration["settings"]?["hidden"] == "8" && configuration["seed"] == 3 && configuration["epochs"] == JSON(number + 2))
        }
        // A checkpoint by itself is enough.
        try folder.write("alone/model.safetensors", try #require(folder.bytes("run/best.safetensors")))
        let evaluated = soma("evaluate", "alone/model.safetensors", "--json")
        #expect(evaluated.status == 0 && evaluated.complaint.isEmpty, "\(evaluated.complaint)")
        #expect(try JSON(parsing: evaluated.output)["accuracy"] == JSON(parsing: soma("evaluate", "run", "--json").output)["accuracy"])
    }

    /// What is written beside a run replaces none of its files.
    @Test func outputsThatWouldReplaceARun() throws {
        func soma(_ words: String...) -> Command { Command.run(["\(Command.folder)/soma"] + words, in: folder) }
        #expect(soma("train", "digits", "--device", "cpu", "hidden=8", "--epochs", "1", "--output", "run").status == 0)
        let names = ["config.json", "metrics.csv", "curves.svg", "best.safetensors", "last.safetensors"]
        let before = names.map { folder.bytes("run/\($0)") }
        for name in names {
            for path in ["run/\(name)", "run/../run/\(name)", "\(folder.path)/run/\(name)"] {
                let command = soma("train", "--resume", "./run", "--device", "cpu", "--epochs", "3", "--profile", path)
                command.expectComplaint(2, "--profile would replace \(path)")
            }
        }
        let checkpoint = "run/best.safetensors"
        for words in [
            ["train", "digits", "--epochs", "1", "--output", "new", "--profile"], ["bench", "--allow-debug", "--workload", "gemm_256", "--save"],
            ["profile", "digits", "--timeline"],
        ] {
            let command = Command.run(["\(Command.folder)/soma"] + words + [checkpoint, "--device", "cpu"], in: folder)
            command.expectComplaint(1, "cannot write \(checkpoint)", "no checkpoint")
        }
        #expect(names.map { folder.bytes("run/\($0)") } == before && !folder.exists("new"))
    }

    @Test func brokenPictures() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=16", in: folder).status == 0)
        let checkpoint = "runs/digits/best.safetensors"
        let picture = try Picture(width: 8, height: 8, channels: 1, pixels: (0..<64).map { UInt8($0 * 4) }).encoded()
        try folder.write("none.idx", [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 8])
        try folder.write("half.png", Array(picture.prefix(picture.count / 2)))
        try folder.write("blank.png", try Picture(width: 9, height: 9, channels: 1, pixels: [UInt8](repeating: 255, count: 81)).encoded())
        try folder.write("short.idx", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0, 8, 1, 2, 3])
        try folder.write("other.idx", [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2])
        try folder.write("broken.gz", [0x1F, 0x8B, 8, 0, 1, 2, 3, 4, 5, 6, 7])
        try folder.write("text.png", Array("no picture".utf8))
        for (name, word) in [
            ("half.png", "half.png"), ("blank.png", "nothing: its pixels are all from 255 to 255"), ("none.idx", "no pictures"),
            ("short.idx", "truncated"), ("other.idx", "1×2"), ("broken.gz", "broken.gz"),
            ("text.png", "neither"), ("none.png", "No such file"),
        ] { Command.soma("predict", checkpoint, name, in: folder).expectComplaint(1, name, word) }
    }

    @Test func brokenDataLeavesTheEarlierRun() throws {
        try folder.write("run/last.safetensors", [1, 2, 3])
        Command.soma("train", "mnist-mlp", "--data", "nowhere", "--output", "run", in: folder).expectComplaint(1, "nowhere", "soma data mnist")
        try folder.write("data/train-images-idx3-ubyte", [0, 0, 8, 3, 0, 0])
        Command.soma("train", "mnist-mlp", "--data", "data", "--output", "run", in: folder).expectComplaint(1, "train-images-idx3-ubyte", "truncated")
        #expect(folder.bytes("run/last.safetensors") == [1, 2, 3])
        #expect(!folder.exists("run.1") && !folder.exists("run/config.json"))
        Command.soma("train", "mnist-mlp", "--data", "data", "--output", "new", in: folder).expectComplaint(1, "truncated")
        #expect(!folder.exists("new"), "a run that never began leaves no folder")
        Command.soma("train", "mnist-mlp", "--data", "data", "--output", "deep/new", in: folder).expectComplaint(1, "truncated")
        #expect(!folder.exists("deep"), "nor those above it")
        mkdir("\(folder.path)/own", 0o777)
        Command.soma("train", "mnist-mlp", "--data", "data", "--output", "own", in: folder).expectComplaint(1, "truncated")
        #expect(folder.exists("own") && !folder.exists("own/.lock"), "a folder that was there stays")
    }

    /// Sixteen bytes that promise samples of 2⁶⁴ pixels, and none of them.
    @Test func picturesOfImpossibleSize() throws {
        for name in ["train", "t10k"] {
            try folder.write("data/\(name)-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 8))
            try folder.write("data/\(name)-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 0])
        }
        Command.soma("train", "mnist-mlp", "--data", "data", in: folder).expectComplaint(1, "train-images-idx3-ubyte", "impossible size")
        Command.soma("data", "export", "mnist", "png", "--data", "data", in: folder).expectComplaint(1, "impossible size")
        // One that is possible and not there.
        for name in ["train", "t10k"] {
            try folder.write("data/\(name)-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0])
        }
        Command.soma("train", "mnist-mlp", "--data", "data", in: folder).expectComplaint(1, "train-images-idx3-ubyte", "no pictures")
    }

    /// What is advised can be done.
    @Test func lossesThatAreNoNumbers() throws {
        let words = ["train", "digits", "--device", "cpu", "hidden=8", "optimizer=sgd", "lr=100", "decay=10", "schedule=constant", "warmup=0"]
        let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
        command.expectComplaint(1, "loss", "begun anew with lr=10 or warmup=100 it may go better")
    }

    /// Weights that are no numbers have no answer, and weights that are not there take no memory.
    @Test func brokenWeights() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=16", in: folder).status == 0)
        let file = try SafetensorsFile(path: "\(folder.path)/runs/digits/best.safetensors")
        let picture = try Picture(width: 8, height: 8, channels: 1, pixels: (0..<64).map { UInt8($0 * 4) }).encoded()
        try folder.write("x.png", picture)
        try SafetensorsFile.write(file.tensors, metadata: file.metadata, to: "\(folder.path)/nan.safetensors") { tensor, append in
            let values = [Float](repeating: .nan, count: tensor.byteCount / 4)
            try values.withUnsafeBytes(append)
        }
        for more in [[], ["--json"]] {
            let command = Command.run(["\(Command.folder)/soma", "predict", "nan.safetensors", "x.png"] + more, in: folder)
            command.expectComplaint(1, "nan.safetensors", "x.png", "NaN")
            #expect(command.output.isEmpty)
        }
        var metadata = file.metadata
        metadata["setting.hidden"] = "65536,65536,65536,65536"
        try SafetensorsFile.write(file.tensors, metadata: metadata, to: "\(folder.path)/lie.safetensors") {
            try file.withBytes(of: $0.name, $1)
        }
        let script = "ulimit -v 4000000; exec \(Command.folder)/soma predict --device cpu lie.safetensors x.png"
        Command.run(["/bin/sh", "-c", script], in: folder).expectComplaint(1, "lie.safetensors")
    }

    @Test func noMemory() {
        let large = "train digits --device cpu hidden=65536,65536"
        let script = "ulimit -v 4000000; exec \(Command.folder)/soma \(large)"
        Command.run(["/bin/sh", "-c", script], in: folder).expectComplaint(1, "out of memory", "GiB asked for", "available", "smaller batch")
        Command.soma("train", "digits", "--device", "cpu", "--memory", "64M", "hidden=12000,12000", in: folder)
            .expectComplaint(1, "out of memory", "64.0 MiB available")
        Command.soma("train", "digits", "--device", "cpu", "--memory", "50K", in: folder).expectComplaint(1, "out of memory", "asked for", "available")
    }

    @Test func aLossThatIsNoNumber() {
        let command = Command.soma("train", "digits", "--device", "cpu", "--epochs", "3", "optimizer=sgd", "schedule=constant", "warmup=0", "lr=100", "hidden=64,64,64,64", in: folder)
        command.expectComplaint(1, "loss became", "at step")
    }

    @Test func aDiskThatIsFull() {
        // 8 blocks of 512 or 1024 bytes: enough for the configuration, not for a checkpoint.
        let script = "ulimit -f 8; exec \(Command.folder)/soma train digits --device cpu --epochs 1"
        Command.run(["/bin/sh", "-c", script], in: folder).expectComplaint(1, ".safetensors")
        #expect(!folder.exists("runs/digits/best.safetensors") && !folder.exists("runs/digits/last.safetensors"))
    }

    @Test func noMirror() {
        Command.soma("data", "mnist", "--mirror", "http://127.0.0.1:9/", "--attempts", "1", in: folder).expectComplaint(1, "http://127.0.0.1:9/")
    }

    @Test func noLibraries() throws {
        // Hidden from the program, and, what comes first on the path, files that are no libraries.
        let hidden = ["SOMA_WITHOUT": "opencl,clblast,openblas,onednn,openmp,libcurl"]
        for name in ["libOpenCL.so.1", "libclblast.so.1", "libopenblas.so.0", "libdnnl.so.3", "libdnnl.so.2", "libgomp.so.1"] {
            try folder.write("broken/\(name)", Array("no library".utf8))
        }
        for environment in [hidden, ["LD_LIBRARY_PATH": "\(folder.path)/broken"]] {
            let devices = Command.soma("devices", "--json", in: folder, environment: environment)
            #expect(devices.status == 0, "\(devices.complaint)")
            #expect(try JSON(parsing: devices.output).array?.compactMap { $0["name"]?.string } == ["cpu"])
            Command.soma("train", "digits", "--device", "opencl:0", in: folder, environment: environment).expectComplaint(1, "opencl")
            let train = Command.soma("train", "digits", "--epochs", "1", "--json", "hidden=16", in: folder, environment: environment)
            #expect(train.status == 0, "\(train.complaint)")
            #expect(try JSON(parsing: try #require(train.lines.last))["device"] == "cpu")
        }
    }

    @Test func nothingIsLinkedThatMayBeMissing() {
        let command = Command.run(["ldd", "\(Command.folder)/soma"], in: folder)
        #expect(command.status == 0)
        #expect(command.output.contains("libc.so"))
        for name in ["OpenCL", "clblast", "openblas", "dnnl", "gomp", "curl"] {
            #expect(!command.output.lowercased().contains(name.lowercased()), "\(name)")
        }
    }
}
