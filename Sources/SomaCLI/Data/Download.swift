import ArgumentParser
import Soma

/// A download that tells how far it is and can be interrupted.
struct Download {
    let folder: String

    /// - Throws: `SomaError`; `ExitCode` 130 where it was interrupted.
    func run(_ source: MNISTSource) throws {
        Interruption.watch()
        let line = ProgressText()
        try source.download(to: folder) { file, progress in
            // What has arrived stays, and the next call goes on from there.
            if Interruption.isPending { throw Interruption.exitCode }
            try line.show(file, progress)
        }
        line.clear()
        // Opening them checks that the files belong together.
        let data = try MNIST(folder: folder)
        try Console.print("\(folder): \(data.trainingImages.count) pictures to train on, \(data.testImages.count) to test on")
        try Console.print("train on them by: soma train mnist-mlp --data \(folder)")
    }
}

/// One line of a terminal that is written over and over; elsewhere one line for each file.
private final class ProgressText {
    private var file = ""
    private var drawn: ContinuousClock.Instant?

    func show(_ file: String, _ progress: Downloader.Progress) throws {
        guard Console.isTerminal else {
            if self.file != file { try Console.print("fetching \(file)") }
            self.file = file
            return
        }
        if let drawn, .now - drawn < .milliseconds(100) { return }
        drawn = .now
        let total = progress.totalBytes.map { " of \(Quantity.bytes($0))" } ?? ""
        try Console.redraw("fetching \(file): \(Quantity.bytes(progress.receivedBytes))\(total)")
    }

    func clear() { if drawn != nil { try? Console.write("\r\u{1B}[K") } }
}
