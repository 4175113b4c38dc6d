import Glibc
import Testing

@testable import Soma
@testable import SomaCLI

/// What `soma train` shows on terminals of any width.
@Suite struct NarrowTerminalTests {
    private let progress = TrainingProgress(
        epoch: 2, epochCount: 20, batch: 12, batchesPerEpoch: 23, updateCount: 58, samplesPerSecond: 1234, dataWait: 0.01, learningRate: 0.1,
        seconds: 3)

    private var pace: Pace {
        var pace = Pace()
        pace.note(progress, losses: [Figure("loss", 0.12345, better: .lower)])
        return pace
    }

    @Test func theBarFitsAnyWidth() {
        for width in 1...200 {
            let text = ProgressBar.text(progress, pace, memory: 12_345_678, width: width)
            #expect(text.count <= width, "\(width): \(text)")
            if width > 9 { #expect(text.hasPrefix("[===") && text.contains("]"), "\(width): \(text)") }
            if width > 34 { #expect(text.contains("] epoch 3/20  ") && text.contains("  loss 0.1235"), "\(width): \(text)") }
        }
        let wide = ProgressBar.text(progress, pace, memory: 12_345_678, width: 200)
        for word in ["update 12/23", "1,234 samples/s", "data wait 1.0 %", "11.8 MiB"] { #expect(wide.contains(word), "\(wide)") }
    }

    @Test func epochsKeepTheirAccuracy() {
        let figures = [
            Figure("loss", 0.5, better: .lower), Figure("accuracy", 0.875, better: .higher), Figure("top5_accuracy", 1, better: .higher, title: "top-5"),
        ]
        let summary = EpochSummary(
            epoch: 2, progress: progress, losses: [Figure("loss", 0.25, better: .lower)],
            evaluation: Evaluation(sampleCount: 9, report: Report(figures)), criterion: .highest("accuracy"), isBest: true)
        #expect(TextReport.line(summary, memory: 1 << 20, width: 40) == "epoch  3/20  test accuracy 0.8750")
        #expect(
            TextReport.line(summary, memory: 1 << 20, width: nil)
                == "epoch  3/20  loss 0.2500  test loss 0.5000  test accuracy 0.8750  test top-5 1.0000  1,234 samples/s  data wait 1.0 %  1.00 MiB  best")
    }

    @Test func measuresOfADivergingRunAreShort() {
        let figures = [Figure("loss", -.nan, better: .lower), Figure("accuracy", 0.5, better: .higher)]
        let losses = [Figure("loss", 3.475205008995132e+20, better: .lower)]
        let summary = EpochSummary(
            epoch: 2, progress: progress, losses: losses, evaluation: Evaluation(sampleCount: 9, report: Report(figures)), criterion: nil,
            isBest: false)
        #expect(TextReport.line(summary, memory: 0, width: nil).hasPrefix("epoch  3/20  loss 3.47521e+20  test loss nan  test accuracy 0.5000  "))
        var pace = Pace()
        pace.note(progress, losses: losses)
        #expect(ProgressBar.text(progress, pace, memory: 0, width: 200).contains("  loss 3.47521e+20  "))
    }

    @Test func namesKeepTheirColumn() {
        #expect(TextReport.fitted("settings", "batch=32 lr=0.004 warmup=50 decay=0", to: 32) == "settings  batch=32 lr=0.004\n          warmup=50 decay=0")
        #expect(TextReport.fitted("run", "2 epochs", to: nil) == "run       2 epochs")
        #expect(TextReport.fitted("a line of some words", to: 12) == "a line of\n  some words")
        #expect(TextReport.fitted("settings", "batch=32 lr=0.004", to: 20) == "settings batch=32\n  lr=0.004")
        for width in 1...12 {
            let lines = TextReport.fitted("settings", "batch=32 lr=0.004 a b c", to: width).split(separator: "\n")
            for line in lines where line.split(separator: " ").count > 1 { #expect(line.count <= width, "\(width): \(line)") }
        }
    }

    @Test func tablesBecomeProseWhereTheyDoNotFit() {
        var table = TextTable(["layer", "sigmoid, small", "ReLU, He"], [.right, .right, .right])
        table.add(["1", "1.2e-07", "0.5"])
        #expect(table.lines(width: 40) == table.lines)
        #expect(table.lines(width: 24) == ["layer 1: sigmoid, small\n  1.2e-07, ReLU, He 0.5"])
    }

    /// A line that is drawn over and over takes one row of ten columns, whatever draws it: another would stay each time.
    @Test func linesThatAreDrawnAnewTakeOneRow() throws {
        let folder = TestFolder()
        for (words, start) in [
            (["data", "export", "digits", "png"], "wrote"), (["train", "digits", "--device", "cpu", "--epochs", "3", "hidden=64", "--output", "run"], "["),
        ] {
            let screen = try Terminal(columns: 10)
            let script = "exec \(Command.folder)/soma \(words.joined(separator: " ")) >\(screen.path)"
            #expect(Command.run(["/bin/sh", "-c", script], in: folder).status == 0)
            let drawn = screen.finish().split(separator: "\r\u{1B}[K").filter { $0.hasPrefix(start) && !$0.contains("\n") }
            #expect(!drawn.isEmpty && drawn.allSatisfy { $0.count < 10 }, "\(drawn)")
        }
    }

    /// A whole run on a terminal of 40 columns: no line is longer, but for a word that is.
    @Test func aRunFitsFortyColumns() throws {
        let folder = TestFolder()
        let screen = try Terminal(columns: 40)
        let script = "exec \(Command.folder)/soma train digits --device cpu --epochs 2 --seed 1 >\(screen.path)"
        #expect(Command.run(["/bin/sh", "-c", script], in: folder).status == 0)
        let lines = screen.finish().replacing("\r\n", with: "\n").split { $0 == "\n" || $0 == "\r" }.map { $0.replacing("\u{1B}[K", with: "") }
        #expect(lines.contains { $0.hasPrefix("epoch 2/2  ") && $0.contains("test accuracy") }, "\(lines)")
        #expect(lines.contains { $0.hasPrefix("settings") })
        for line in lines where line.split(separator: " ").count > 1 { #expect(line.count <= 40, "\(line)") }
    }
}

/// A terminal of so many columns, and what was written to it.
private final class Terminal: @unchecked Sendable {
    let path: String
    private let master: Int32
    /// Held open, so that reading the other end waits and does not fail.
    private let slave: Int32
    private var bytes: [UInt8] = []

    init(columns: UInt16) throws {
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var (lock, number) = (Int32(0), Int32(0))
        // TIOCSPTLCK and TIOCGPTN of Linux: unlock the other end, and ask for its number.
        try #require(master >= 0 && ioctl(master, 0x4004_5431, &lock) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
        path = "/dev/pts/\(number)"
        slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(slave >= 0 && ioctl(slave, UInt(TIOCSWINSZ), &size) == 0)
        let thread = Thread { [self] in readAll() }
        reader = thread
    }

    private var reader: Thread?

    private func readAll() {
        var piece = [UInt8](repeating: 0, count: 4096)
        while case let count = read(master, &piece, piece.count), count > 0 { bytes += piece[..<count] }
    }

    /// Everything that was written, once the writers are gone.
    func finish() -> String {
        close(slave)
        reader?.join()
        close(master)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A thread that can be waited for.
private final class Thread {
    private var handle = pthread_t()
    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }

    init(_ body: @escaping () -> Void) {
        pthread_create(&handle, nil, { pointer in
            pointer.map { Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run() }
            return nil
        }, Unmanaged.passRetained(Body(body)).toOpaque())
    }

    func join() { pthread_join(handle, nil) }
}
