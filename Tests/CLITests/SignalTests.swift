import Glibc
import Soma
import Testing

/// Signals and outputs that go away: what was trained is kept, and what was ignored stays so.
@Suite(.serialized) struct SignalTests {
    let folder = TestFolder()
    private let words = "train digits --device cpu --seed 3 hidden=32,16"

    private func rows(_ output: String) -> Int { max(0, folder.text("\(output)/metrics.csv").split(separator: "\n").count - 1) }

    /// Runs a script in which `soma` is the command.
    private func shell(_ script: String, interrupt: (signal: Int32, when: () -> Bool)? = nil) -> Command {
        Command.run(["/bin/bash", "-c", "soma() { exec \(Command.folder)/soma \"$@\"; }; \(script)"], in: folder, interrupt: interrupt)
    }

    private func expectGoesOn(_ output: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let done = try #require(try Checkpoint(path: "\(folder.path)/\(output)/last.safetensors").completedEpochs, sourceLocation: sourceLocation)
        let resumed = Command.soma("train", "--resume", output, "--epochs", "\(done + 1)", "--json", in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)", sourceLocation: sourceLocation)
        #expect(try JSON(parsing: try #require(resumed.lines.last))["epochs"] == JSON(done + 1), sourceLocation: sourceLocation)
    }

    /// The terminal is closed in the middle of a run that has no part in its session.
    @Test func aTerminalThatIsGone() throws {
        let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        // The two requests of Linux that unlock the terminal and tell its number.
        var (lock, number): (Int32, UInt32) = (0, 0)
        try #require(master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
        let terminal = "/dev/pts/\(number)"
        var isOpen = true
        let command = shell("soma \(words) --epochs 100000 --output run >\(terminal)", interrupt: (0, {
            // Whoever shows a terminal reads it, else the run would wait.
            var bytes = [UInt8](repeating: 0, count: 4096)
            if isOpen && hasInput(master) { _ = read(master, &bytes, bytes.count) }
            guard isOpen, rows("run") >= 3 else { return false }
            close(master)
            isOpen = false
            return true
        }))
        #expect(command.status == 130, "\(command.complaint)")
        command.expectComplaint(130, "standard output", "Input/output error", "--resume run")
        try expectGoesOn("run")
    }

    private func hasInput(_ descriptor: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, 0) > 0
    }

    /// A disk that is full keeps nobody from the checkpoint, which is elsewhere; where all is done, only the result is lost.
    @Test func anOutputThatIsFull() throws {
        let command = shell("soma \(words) --epochs 100000 --output run >/dev/full")
        command.expectComplaint(130, "standard output", "No space left", "--resume run")
        try expectGoesOn("run")
        shell("soma \(words) --epochs 0 --output none >/dev/full").expectComplaint(1, "standard output", "No space left")
    }

    @Test(arguments: ["INT", "TERM", "HUP"]) func whatIsIgnoredAtTheStartStaysSo(name: String) {
        let signal = ["INT": SIGINT, "TERM": SIGTERM, "HUP": SIGHUP][name]!
        let command = shell("trap '' \(name); soma \(words) --epochs 12 --output run", interrupt: (signal, { rows("run") >= 3 }))
        #expect(command.status == 0, "\(command.complaint)")
        #expect(rows("run") == 12 && command.complaint.isEmpty)
    }

    /// What stops a process, and waits until it stands: the signals that it is sent then reach it at one moment, however busy the machine is.
    private static let stopped = "kill -STOP $p; until grep -q '^State:.T' /proc/$p/status; do sleep 0.02; done"

    /// `timeout` sends its signal twice at once, and a terminal that closes sends its own, to be followed by that of the shell. Two signals, since one
    /// that is sent again before it has arrived arrives once; a shell has what it starts in the background ignore SIGINT. Linux sends SIGXCPU once a
    /// second where a limit on the processor's time is passed.
    @Test(arguments: [
        "\(stopped); kill -TERM $p; kill -INT $p; kill -CONT $p", "kill -HUP $p; sleep 0.2; kill -HUP $p", "kill -XCPU $p; sleep 0.2; kill -XCPU $p",
        "kill -USR1 $p; sleep 0.2; kill -USR1 $p",
    ])
    func anEchoIsNoSecondSignal(signals: String) throws {
        let script = """
            (trap - INT; soma \(words) --epochs 100000 --output run >report) & p=$!
            until [ "$(wc -l 2>/dev/null <run/metrics.csv || echo 0)" -gt 3 ]; do sleep 0.02; done
            { \(signals); } 2>/dev/null; wait $p
            """
        let command = shell(script)
        // Of a signal that may come again by itself it is told which one ends the run.
        command.expectComplaint(130, "interrupted", signals.contains("-TERM") ? "once more ends it at once" : "SIGTERM ends it at once")
        #expect(signals.contains("-TERM") || !command.complaint.contains("once more"), "\(command.complaint)")
        // One that a signal ends says nothing more.
        #expect(folder.text("report").contains("--resume run"))
        try expectGoesOn("run")
    }

    /// Listing devices loads drivers, and these a compiler that likes to have the signals of a terminal.
    @Test func driversDoNotGetTheSignals() throws {
        func caught(_ setting: String) throws -> UInt64 {
            let script = """
                unset SOMA_DEVICE; \(setting)
                soma train digits hidden=8 --epochs 100000 --output run >/dev/null & p=$!
                until [ "$(wc -l 2>/dev/null <run/metrics.csv || echo 0)" -gt 3 ]; do sleep 0.02; done
                grep Sig /proc/$p/status; kill -TERM $p; wait $p; rm -r run
                """
            let command = shell(script)
            return try #require(
                command.lines.first { $0.hasPrefix("SigCgt:") }.flatMap { UInt64($0.split(separator: "\t")[1], radix: 16) }, "\(command.complaint)")
        }
        // Swift's runtime catches some by itself.
        let (withDrivers, without) = (try caught(""), try caught("export SOMA_WITHOUT=opencl"))
        #expect(withDrivers == without)
        #expect(withDrivers & 1 << UInt64(SIGTERM - 1) != 0)
    }

    /// A recipe may have something to train before the run itself, of which nothing is kept.
    @Test func anInterruptionBeforeTheRunItself() {
        let command = shell("soma train dcgan --device cpu --seed 3 judge=1000 --output run", interrupt: (SIGINT, { folder.exists("run/.lock") }))
        command.expectComplaint(130, "interrupted before there was anything new to keep")
        #expect(!command.complaint.contains("kept") && !folder.exists("run/last.safetensors"), "\(command.complaint)")
    }

    /// Before the first update there is nothing to keep, and nobody waits for what a driver compiles.
    @Test func anEarlyInterruption() throws {
        let command = shell("soma \(words) --epochs 100000 --output run", interrupt: (SIGTERM, { folder.exists("run/config.json") }))
        #expect(command.status == 130)
        command.expectComplaint(130, "interrupted before there was anything new to keep")
        #expect(!command.complaint.contains("kept"), "\(command.complaint)")
        let resumed = Command.soma("train", "--resume", "run", "--epochs", "1", in: folder)
        #expect(resumed.status == 0, "\(resumed.complaint)")
    }
}
