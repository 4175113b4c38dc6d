import SomaGraph

extension Metric {
    /// How often samples of each class were taken for which: the figures of a `ConfusionMatrix`, its table and its picture.
    /// - Parameters:
    ///   - logits: [n, classes].
    ///   - labels: [n], of an integer dtype.
    ///   - classes: what the classes are called.
    public static func confusion(_ logits: Tensor, _ labels: Tensor, classes: [String], file: StaticString = #fileID, line: UInt = #line) -> Metric {
        let count = classes.count
        guard logits.rank == 2, logits.shape[1] == count, labels.shape == [logits.shape[0]] else {
            programError("confusion", "logits \(logits.shape), labels \(labels.shape) and \(count) classes", file: file, line: line)
        }
        let isClass = (labels .>= 0) .&& (labels .< Double(count))
        let pair = labels.as(.int32) * Int32(count) + logits.argmax(alongAxis: 1)
        let ones = Tensor.ones(labels.shape, dtype: .int32, device: logits.device)
        let counts = Tensor.zeros([count * count], dtype: .int32, device: logits.device)
            .scatteredAdd(ones, atIndices: .select(isClass, pair, Tensor.zeros(like: pair) - 1))
        let topFive = LabelPlaces(logits, labels).isAmong(5).as(.int32).sum()
        let unknown = (.!isClass).as(.int32).sum()
        let broken = logits.isNaN.any(alongAxes: 1).as(.int32).sum()
        return Metric(sums: [counts, topFive, unknown, broken]) { totals in
            let (unknown, broken) = (Int(totals.sums[2][0]), Int(totals.sums[3][0]))
            if unknown > 0 { throw SomaError("\(Quantity.counted(unknown, "label")) of \(Quantity.grouped(totals.sampleCount)) are none of \(count) classes") }
            if broken > 0 { throw SomaError("the model answers with NaN: its weights are broken") }
            let rows = (0..<count).map { row in totals.sums[0][row * count..<(row + 1) * count].map { Int($0) } }
            return ConfusionMatrix(classes: classes, counts: rows, topFiveCount: Int(totals.sums[1][0])).report
        }
    }
}

extension ConfusionMatrix {
    /// Accuracy, the means of precision, recall and F1 over the classes, a table of these, and the matrix.
    var report: Report {
        let share = "\(Quantity.grouped(rightCount)) of \(Quantity.grouped(count))"
        var report = Report([Self.share("accuracy", accuracy, remark: share)])
        if let topFiveAccuracy { report.figures.append(Self.share("top5_accuracy", topFiveAccuracy, title: "top-5")) }
        report.figures += [
            Self.share("precision", mean(precision)), Self.share("recall", mean(recall)), Self.share("f1", mean(f1), title: "F1"),
        ]
        report.tables = [classTable, classes.count <= Self.widestTable ? table : mistakes]
        report.pictures = [ReportPicture("confusion", svg: map.svg)]
        report.members = members
        return report
    }

    /// A matrix of more classes would be wider than a terminal.
    private static let widestTable = 15

    private static func share(_ name: String, _ value: Double, title: String? = nil, remark: String? = nil) -> Figure {
        Figure(name, value, better: .higher, title: title, limits: 0...1, remark: remark)
    }

    // MARK: Tables

    private var classTable: Table {
        let rows = classes.indices.map { label in
            [classes[label], Quantity.grouped(support(label))] + [precision(label), recall(label), f1(label)].map { Quantity.fixed($0, 4) }
        }
        let means = ["mean", Quantity.grouped(count)] + [mean(precision), mean(recall), mean(f1)].map { Quantity.fixed($0, 4) }
        var table = Table("", columns: ["class", "samples", "precision", "recall", "F1"], rows: rows + [means])
        table.wordColumnCount = 1
        return table
    }

    private var table: Table {
        let rows = zip(classes, counts).map { name, row in [name] + row.map { $0 == 0 ? "." : Quantity.grouped($0) } }
        var table = Table("", columns: ["class \\ told"] + classes, rows: rows)
        table.wordColumnCount = 1
        return table
    }

    /// Those made most often.
    private var mistakes: Table {
        let all = counts.enumerated().flatMap { label, row in
            row.indices.filter { $0 != label && row[$0] > 0 }.map { (label: label, told: $0, count: row[$0]) }
        }
        let most = all.sorted { ($1.count, $0.label, $0.told) < ($0.count, $1.label, $1.told) }.prefix(10)
        let rows = most.map { [classes[$0.label], classes[$0.told], Quantity.grouped($0.count)] }
        var table = Table(all.isEmpty ? "no mistakes" : "the most frequent mistakes", columns: ["class", "taken for", "samples"], rows: rows)
        table.wordColumnCount = 2
        return table
    }

    // MARK: For programs

    private var members: [JSON.Member] {
        let classes = self.classes.indices.map { label -> JSON in
            [
                "class": .string(self.classes[label]), "samples": JSON(support(label)), "precision": JSON(precision(label)),
                "recall": JSON(recall(label)), "f1": JSON(f1(label)),
            ]
        }
        return [.init("classes", .array(classes)), .init("confusion", .array(counts.map { .array($0.map { JSON($0) }) }))]
    }

    // MARK: Picture

    /// The matrix with shares of each class's samples as colours, the first class on top.
    private var map: SVGHeatMap {
        let extent = 0...Double(classes.count)
        let shares = counts.map { row in row.map { Double($0) / Double(max(1, row.reduce(0, +))) } }
        var map = SVGHeatMap(
            title: "accuracy \(Quantity.fixed(accuracy, 4))", xLabel: "taken for", yLabel: "class", xRange: extent, yRange: extent,
            rows: shares.reversed(), valueLabel: "share of the class's samples", valueRange: 0...1)
        map.palette = .sequential
        (map.columnNames, map.rowNames) = (classes, classes.reversed())
        map.texts = counts.reversed().map { row in row.map { $0 == 0 ? "" : Quantity.grouped($0) } }
        return map
    }
}
