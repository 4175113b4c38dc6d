import Glibc
@testable import Soma
import Testing

@testable import SomaCLI

/// What programs read.
@Suite struct OutputTests {
    let folder = TestFolder()

    @Test func devicesAsJSON() throws {
        let command = Command.soma("devices", "--json", in: folder)
        #expect(command.status == 0)
        let devices = try #require(try JSON(parsing: command.output).array)
        for device in devices {
            let names = try #require(device.members).map(\.name)
            for key in ["name", "vendor", "kind", "memory_bytes", "compute_units", "driver", "default"] { #expect(names.contains(key), "\(key)") }
        }
        #expect(devices.contains { $0["name"] == "cpu" })
        #expect(devices.count { $0["default"] == true } == 1)
    }

    @Test func trainAsJSON() throws {
        let command = Command.soma("train", "digits", "--device", "cpu", "--epochs", "2", "--seed", "1", "--json", in: folder)
        #expect(command.status == 0, "\(command.complaint)")
        let events = try command.lines.map { try JSON(parsing: $0) }
        let kinds = events.compactMap { $0["event"]?.string }
        #expect(kinds.first == "start" && kinds.last == "result")
        #expect(kinds.count { $0 == "epoch" } == 2)
        #expect(kinds.contains("model") && kinds.contains("step") && kinds.contains("checkpoint"))
        // The first reading of the loss comes long after the first update, so that it can be told.
        let step = try #require(events.last { $0["event"] == "step" })
        #expect((0...1).contains(try #require(step["data_wait"]?.double)))
        let result = try #require(events.last)
        #expect(
            result.members?.map(\.name) == [
                "event", "recipe", "device", "test_loss", "test_accuracy", "epochs", "seconds", "samples_per_second", "checkpoint",
            ])
        #expect(result["recipe"] == "digits" && result["device"] == "cpu" && result["epochs"] == 2)
        let accuracy = try #require(result["test_accuracy"]?.double)
        #expect(accuracy > 0.5 && accuracy <= 1)
        #expect(result["checkpoint"] == "runs/digits/last.safetensors")
    }

    @Test func runFolder() throws {
        let words = ["train", "digits", "--device", "cpu", "--epochs", "2", "--seed", "7", "hidden=16"]
        let command = Command.run(["\(Command.folder)/soma"] + words, in: folder)
        #expect(command.status == 0)
        #expect(command.lines.count { $0.hasPrefix("epoch ") && $0.contains("  data wait ") } == 2, "\(command.output)")
        let configuration = try JSON(parsing: folder.text("runs/digits/config.json"))
        #expect(configuration["seed"] == 7 && configuration["epochs"] == 2 && configuration["settings"]?["hidden"] == "16")
        let rows = folder.text("runs/digits/metrics.csv").split(separator: "\n")
        #expect(rows.first.map(String.init) == MetricsFile.header(["loss", "test_loss", "test_accuracy"]))
        #expect(rows.count == 3, "the header and a row for each epoch")
        #expect(folder.text("runs/digits/curves.svg").hasPrefix("<svg"))
        let first = folder.bytes("runs/digits/last.safetensors")
        // Another run leaves this one as it is.
        #expect(Command.run(["\(Command.folder)/soma"] + words + ["lr=0.01"], in: folder).status == 0)
        #expect(folder.bytes("runs/digits.1/last.safetensors") == first)
        #expect(folder.bytes("runs/digits/last.safetensors") != first)
        // The same seed gives the same bits.
        #expect(Command.run(["\(Command.folder)/soma"] + words + ["--output", "again"], in: folder).status == 0)
        #expect(try tensors("again/last.safetensors") == tensors("runs/digits.1/last.safetensors"))
    }

    private func tensors(_ name: String) throws -> [String: [UInt8]] {
        let file = try SafetensorsFile(path: "\(folder.path)/\(name)")
        return try Dictionary(uniqueKeysWithValues: file.tensors.map { tensor in (tensor.name, try file.withBytes(of: tensor.name) { Array($0) }) })
    }

    @Test func inspectTellsOfEveryTensor() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=16", in: folder).status == 0)
        let text = Command.soma("inspect", "runs/digits/best.safetensors", in: folder)
        for word in ["hidden.0.weight", "[16, 64]", "F32", "recipe = digits", "4 tensors"] { #expect(text.output.contains(word), "\(word)") }
        let json = try JSON(parsing: Command.soma("inspect", "--json", "runs/digits/best.safetensors", in: folder).output)
        #expect(json["tensors"]?.array?.count == 4)
        #expect(json["metadata"]?["setting.hidden"] == "16")
    }

    /// One long name makes no other line longer.
    @Test func inspectShowsLongNamesInShort() throws {
        let long = String(repeating: "n", count: 200_000)
        var header = "{\"__metadata__\":{\"note\":\"\(long)\"},\"\(long)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"
        for number in 0..<2000 { header += ",\"t\(number)\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}" }
        let bytes = Array((header + "}").utf8)
        try folder.write("x.safetensors", withUnsafeBytes(of: UInt64(bytes.count).littleEndian, Array.init) + bytes)
        let command = Command.soma("inspect", "x.safetensors", in: folder)
        #expect(command.status == 0 && command.lines.count == 2001 + 1 + 1 + 1)
        #expect(command.output.utf8.count < 2010 * 200 && (command.lines.map(\.utf8.count).max() ?? 0) < 1100)
        #expect(command.lines[1].hasPrefix("nnn") && command.lines[1].contains("n…  U8"))
        #expect(try JSON(parsing: Command.soma("inspect", "--json", "x.safetensors", in: folder).output)["tensors"]?.array?[0]["name"]?.string == long)
    }

    @Test func standardOutputThatIsFull() {
        let command = Command.run(["/bin/sh", "-c", "exec \(Command.folder)/soma devices >/dev/full"], in: folder)
        command.expectComplaint(1, "standard output")
        for words in ["train --help", "train digits --help", "--version"] {
            let command = Command.run(["/bin/sh", "-c", "exec \(Command.folder)/soma \(words) >/dev/full"], in: folder)
            command.expectComplaint(1, "standard output")
        }
    }

    @Test func standardOutputThatIsClosed() {
        let script = "exec \(Command.folder)/soma train digits --device cpu --epochs 1 hidden=8 <&- >&- 2>&-"
        #expect(Command.run(["/bin/sh", "-c", script], in: folder).status == 0)
        #expect(folder.exists("runs/digits/last.safetensors"))
        #expect(folder.bytes("runs/digits/.lock") == [], "the report went where it does not belong")
    }

    /// Whoever reads the output may go: a run is over then, and can go on.
    @Test func standardOutputThatNobodyReads() throws {
        let script = "\(Command.folder)/soma train digits --device cpu --epochs 100000 hidden=8 --interval 0 | head -1 >/dev/null; exit ${PIPESTATUS[0]}"
        let command = Command.run(["/bin/bash", "-c", script], in: folder)
        #expect(command.status == 130 && command.complaint.isEmpty, "\(command.complaint)")
        #expect(folder.exists("runs/digits/last.safetensors"))
        let resumed = Command.soma("train", "--resume", "runs/digits", "--epochs", "1", "--json", in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)")
    }

    /// Pictures go where they are told to go, also where that is no file.
    @Test func picturesThatAreNoFiles() throws {
        #expect(Command.soma("train", "digits", "--device", "cpu", "--epochs", "1", "hidden=8", in: folder).status == 0)
        let piped = Command.soma("evaluate", "runs/digits", "--json", "--chart", "/dev/stdout", in: folder)
        #expect(piped.lines.first?.hasPrefix("{") == true && piped.lines.last == "</svg>", "\(piped.complaint)")
        let text = Command.soma("evaluate", "runs/digits", "--chart", "/dev/stdout", in: folder)
        text.expectComplaint(0, "soma: wrote /dev/stdout")
        #expect(text.lines.last == "</svg>")
        #expect(Command.soma("evaluate", "runs/digits", "--chart", "/dev/null", in: folder).status == 0)
    }

    @Test func runsWithoutAnUpdate() throws {
        for recipe in ["digits", "xor"] {
            let command = Command.soma("train", recipe, "--device", "cpu", "--epochs", "0", "--json", in: folder)
            #expect(command.status == 0, "\(command.complaint)")
            let result = try JSON(parsing: try #require(command.lines.last))
            #expect(result["checkpoint"] == .string("runs/\(recipe)/last.safetensors") && result["epochs"] == 0)
            #expect(folder.exists("runs/\(recipe)/last.safetensors"))
        }
    }

    @Test func memoryPeaksAreForgotten() throws {
        let device = try Device.named("cpu")
        let large = try Tensor.zeros([1 << 20], device: device).realize()
        #expect(device.memory.peak >= 4 << 20)
        withExtendedLifetime(large) {}
        let before = device.memory.live
        device.forgetMemoryPeak()
        #expect(device.memory.peak <= max(before, device.memory.live) && device.memory.peak >= device.memory.live)
    }

    @Test func quantities() {
        #expect(Quantity.fixed(1.25, 1) == "1.3" && Quantity.fixed(-0.04, 1) == "0.0" && Quantity.fixed(12, 0) == "12")
        #expect(Quantity.significant(1234.5) == "1235" && Quantity.significant(0.012345) == "0.01235" && Quantity.significant(0) == "0")
        #expect(Quantity.measure(0.25) == "0.2500" && Quantity.measure(1234.5678) == "1234.57" && Quantity.measure(-123456.7) == "-123457")
        #expect(Quantity.measure(3.475205008995132e+20) == "3.47521e+20" && Quantity.measure(-9.999999e9) == "-1.00000e+10")
        #expect(Quantity.measure(1e300) == "1.00000e+300" && Quantity.fixed(2.5e15, 1) == "2.50000e+15" && Quantity.significant(1.2344e-7) == "1.234e-07")
        for nan in [Double.nan, -.nan] {
            #expect(Quantity.measure(nan) == "nan" && Quantity.fixed(nan, 4) == "nan" && Quantity.significant(nan) == "nan")
        }
        #expect(Quantity.measure(-.infinity) == "-inf")
        #expect(Quantity.bytes(1023) == "1023 B" && Quantity.bytes(1536) == "1.50 KiB" && Quantity.bytes(5 << 30) == "5.00 GiB")
        #expect(Quantity.duration(9.25) == "9.3 s" && Quantity.duration(249) == "4:09" && Quantity.duration(3849) == "1:04:09")
        #expect(Quantity.counted(1, "tensor") == "1 tensor" && Quantity.counted(2000, "tensor") == "2,000 tensors" && Quantity.counted(0, "epoch") == "0 epochs")
        #expect(Quantity.rate(0.4213) == "0.42 samples/s" && Quantity.rate(9.99) == "10.0 samples/s" && Quantity.rate(3210.7) == "3,210 samples/s")
        #expect(Quantity.grouped(1_234_567) == "1,234,567" && Quantity.grouped(123) == "123" && Quantity.grouped(-1000) == "-1,000")
        #expect(["layer.10", "layer.9", "bias"].sorted(by: NaturalOrder.precedes) == ["bias", "layer.9", "layer.10"])
    }
}
