import SomaGraph

/// Names of losses and figures, which are columns of files and members of objects.
enum FigureName {
    /// What rows and objects have besides.
    private static let taken = [
        "model", "epoch", "epochs", "step", "learning_rate", "samples_per_second", "data_wait", "memory_bytes", "seconds", "event", "best",
    ]

    private static let marks = "_-. @:%".unicodeScalars

    /// Ends the program where one of the names is there twice, is taken, or cannot be the name of a column.
    static func require(_ names: [String], _ kind: String) {
        if Set(names).count != names.count { programError("metrics", "of the \(kind) \(names) one is there twice") }
        for name in names {
            let isPlain = name.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || marks.contains($0))
            }
            if name.isEmpty || !isPlain { programError("metrics", "'\(name)' cannot be the name of one of the \(kind): letters, digits, and _ - . @ : % can be") }
            if taken.contains(name) || name.hasPrefix("test_") {
                programError("metrics", "'\(name)' cannot be the name of one of the \(kind): rows of metrics.csv have it already")
            }
        }
    }
}
