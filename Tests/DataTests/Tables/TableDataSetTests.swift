import Glibc
import SomaReference
import Testing

@testable import Soma

@Suite struct TablePreparationTests {
    private func preparation(_ table: DataTable, _ choice: TableChoice = TableChoice(target: "y"), rows: [Int]? = nil) throws -> TablePreparation {
        let schema = try TableSchema(table, choice)
        return try TablePreparation(fittedTo: table, rows: rows ?? schema.rows, schema: schema)
    }

    private static let words = ["é", "e\u{301}", "\u{301}", "a\"b", "\\", "\u{7F}", "\u{85}", "one\r\ntwo", "😀", "\u{FEFF}x", "\u{1}", "null "]

    @Test func meansAndDeviations() throws {
        // 2, 4, 4, 4, 5, 5, 7, 9: the mean is 5, the deviation 2.
        let whole = try table(["x,y"] + [2, 4, 4, 4, 5, 5, 7, 9].map { "\($0),\($0 % 2)" } + ["1000,1"])
        let fitted = try preparation(whole, rows: Array(0..<8))
        #expect(fitted.numbers[0].scale == Standardisation(mean: 5, deviation: 2) && fitted.numberCount == 1)
        let data = try TableDataSet(whole, rows: [0, 7, 8], fitted)
        #expect(try values(data, "numbers") == [-1.5, 2, 497.5] as [Float])
        #expect(data.labels == [0, 1, 1] && data.remarks.isEmpty)
    }

    /// A row that is in the program, and the answer in the target's unit.
    @Test func textIsATable() throws {
        let whole = try DataTable(text: "x,y\n1,-5\n3,15\n", name: "numbers")
        #expect(whole.names == ["x", "y"] && whole.rowCount == 2 && whole.path == "numbers")
        let fitted = try preparation(whole, TableChoice(target: "y", kind: .number))
        let row = try TableDataSet(DataTable(text: "x\n4"), fitted, hasTarget: false)
        #expect(try values(row, "numbers") == [2] as [Float])
        let device = Device(running: InterpretingBackend())
        #expect(try fitted.restored(Tensor([-1.0, 0.5, 2.0], device: device)).scalars() == [-5, 10, 25])
        #expect { _ = try DataTable(text: "x,y\n1\n", name: "numbers") } throws: { "\($0)".contains("numbers: line 2 has 1 cell") }
    }

    @Test func numbersOfAnySize() throws {
        for scale in [1e300, 1e-300, 1.7e308, Double.leastNonzeroMagnitude, 1] {
            let fitted = Standardisation([-scale, scale, -scale, scale])
            #expect(fitted.mean == 0 && fitted.deviation == scale, "\(scale)")
            #expect(fitted.standardised(scale) == 1)
        }
        // What rounding leaves is no deviation.
        #expect(Standardisation([0.1, 0.1, 0.1]) == Standardisation(mean: 0.1, deviation: 1))
        #expect(Standardisation([]) == Standardisation(mean: 0, deviation: 1) && Standardisation([0, 0]) == Standardisation(mean: 0, deviation: 1))
        #expect(Standardisation(mean: 0, deviation: 1e-300).standardised(1e300) == nil)
        let scale = Standardisation([1e9, 1e9 + 1, 1e9 + 2])
        #expect(abs(scale.deviation - 0.816496580927726) < 1e-9)
        #expect(abs(scale.restored(scale.standardised(1e9 + 2) ?? 0) - (1e9 + 2)) < 1e-6)
    }

    @Test func missingValues() throws {
        let whole = try table("a,b,y", "1,1,p", "3,2,q", ",3,p", "NA,,q", "1e999,4,q")
        let fitted = try preparation(whole, rows: [0, 1, 2])
        #expect(fitted.numberNames == ["a", "b", "a is missing"] && fitted.numberCount == 3)
        let data = try TableDataSet(whole, fitted)
        let numbers = try values(data, "numbers")
        let answers: [(Float, Float)] = [(-1, 0), (1, 0), (0, 1), (0, 1), (0, 1)]
        for (row, (a, isMissing)) in answers.enumerated() {
            #expect(numbers[row * 3] == a && numbers[row * 3 + 2] == isMissing, "row \(row)")
        }
        #expect(numbers[10] == 0)
        #expect(data.remarks.contains { $0.contains("'b' is missing in 1 row, and never was in training") }, "\(data.remarks)")
        #expect(data.remarks.contains { $0.contains("'a' is not finite") && $0.contains("1 row") }, "\(data.remarks)")
    }

    @Test func categories() throws {
        let whole = try table("c,n,y", "b,10,p", "a,9,q", " a ,9.0,p", "NA,10,q", "new,11,p", "new,,q", "Ä,9,q")
        let fitted = try preparation(whole, TableChoice(target: "y", categories: ["n"]), rows: [0, 1, 2, 3])
        #expect(fitted.categorySizes == [4, 4] && fitted.categoryNames == ["c", "n"] && fitted.numberCount == 0)
        let data = try TableDataSet(whole, fitted)
        #expect(data.fields.map(\.name) == ["categories", "label"])
        // 0 unknown, 1 missing, then the words in order: a, b and 9, 10.
        #expect(try integers(data, "categories") == [3, 3, 2, 2, 2, 2, 1, 3, 0, 0, 0, 1, 0, 2])
        #expect(data.remarks.contains { $0.contains("'c' has 3 values that training did not have, the first “new” in line 6") }, "\(data.remarks)")
    }

    @Test func wordsAreComparedByBytes() throws {
        let whole = try table("c,y", "\u{E9},p", "e\u{301},q", "\u{E9},p")
        let fitted = try preparation(whole)
        #expect(fitted.categorySizes == [4])
        #expect(try integers(TableDataSet(whole, fitted), "categories") == [3, 2, 3])
    }

    @Test func keptAsText() throws {
        var lines = ["x,c,n,y"]
        for (index, word) in Self.words.enumerated() {
            let cell = String(decoding: word.utf8.flatMap { $0 == 0x22 ? [$0, $0] : [$0] }, as: UTF8.self)
            lines.append("\(0.1 * Double(index) + 1e-9),\"\(cell)\",\(index % 3 == 0 ? "" : "\(index % 4)"),\"\(cell)\"")
        }
        let whole = try table(lines + lines.dropFirst())
        let ownMissing = TableChoice(target: "x", missing: MissingValues(["\u{E9}", "-"]))
        for choice in [TableChoice(target: "y", categories: ["n"]), ownMissing, TableChoice(target: "n")] {
            let fitted = try preparation(whole, choice)
            let read = try TablePreparation(json: fitted.json, path: "best.safetensors")
            #expect(read == fitted)
            #expect(read.json.utf8.elementsEqual(fitted.json.utf8))
            #expect(!fitted.json.utf8.contains(0x0A))
            let (a, b) = (try TableDataSet(whole, fitted), try TableDataSet(whole, read))
            #expect(a.labels == b.labels && a.targets.map(\.bitPattern) == b.targets.map(\.bitPattern))
            if fitted.numberCount > 0 { #expect(try values(a, "numbers").map(\.bitPattern) == values(b, "numbers").map(\.bitPattern)) }
            #expect(try integers(a, "categories") == integers(b, "categories"))
        }
    }

    @Test func brokenTextIsRefused() throws {
        let fitted = try preparation(table("x,c,y", "1,a,p", "2,b,q", ",a,p"))
        let text = fitted.json
        func refuse(_ old: String, _ new: String, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) {
            let changed = text.replacing(old, with: new)
            #expect(changed != text, sourceLocation: sourceLocation)
            expectError("m.safetensors does not tell how the columns", words, sourceLocation: sourceLocation) {
                _ = try TablePreparation(json: changed, path: "m.safetensors")
            }
        }
        refuse("\"format\":1", "\"format\":2", "format")
        refuse("\"mean\":1.5", "\"mean\":1e999", "mean and a deviation")
        refuse("\"deviation\":0.5", "\"deviation\":0", "mean and a deviation")
        refuse("\"deviation\":0.5", "\"deviation\":-1", "mean and a deviation")
        refuse("\"a\",\"b\"", "\"a\",\"a\"", "a word occurs twice")
        refuse("\"name\":\"c\"", "\"name\":\"x\"", "a column occurs twice")
        refuse("\"name\":\"c\"", "\"name\":\"\"", "without a name")
        refuse("\"p\",\"q\"", "\"p\"", "1 classes")
        refuse("\"indicator\":true", "\"indicator\":1", "indicator")
        refuse("\"missing\":[", "\"lost\":[", "no list 'missing'")
        refuse("\"whole\":false", "\"part\":false", "whole")
        refuse("}", "", "broken JSON")
        let empty = #"{"format":1,"numbers":[],"categories":[],"target":{"name":"y","words":["a","b"],"whole":false},"missing":[]}"#
        expectError("there is no column") { _ = try TablePreparation(json: empty, path: "m") }
    }

    @Test func otherTables() throws {
        let fitted = try preparation(table("size,c,y", "1,a,p", "2,b,q"))
        expectError("t.csv has no column 'size'", "did you mean 'Size'?") { _ = try TableDataSet(table("Size,c,y", "1,a,p"), fitted) }
        expectError("t.csv has no column 'y'") { _ = try TableDataSet(table("size,c", "1,a"), fitted) }
        expectError("line 3 has “big” for 'size', which is no number") { _ = try TableDataSet(table("size,c,y", "1,a,p", "big,a,p"), fitted) }
        expectError("line 2 has “r” for 'y', which is none of the 2 classes") { _ = try TableDataSet(table("size,c,y", "1,a,r"), fitted) }
        // To predict there need be no target, and columns may be in any order, with others between them.
        let data = try TableDataSet(table("z;c;size", "0;b;1,5", "0;a;2"), fitted, hasTarget: false)
        #expect(data.fields.map(\.name) == ["numbers", "categories"] && data.labels.isEmpty && data.classCounts == [0, 0])
        #expect(try values(data, "numbers") == [0, 1] as [Float])
        #expect(try integers(data, "categories") == [3, 2])
    }

    @Test func targetsThatAreNumbers() throws {
        let whole = try table(["x,y"] + [2, 4, 4, 4, 5, 5, 7, 9].map { "\($0 % 3),\($0).0" } + ["1,NA", "2,105"])
        let schema = try TableSchema(whole, TableChoice(target: "y", kind: .number))
        let fitted = try TablePreparation(fittedTo: whole, rows: Array(0..<8), schema: schema)
        let data = try TableDataSet(whole, fitted)
        #expect(data.fields.map(\.name) == ["numbers", "target"] && data.rows == [0, 1, 2, 3, 4, 5, 6, 7, 9])
        #expect(data.targets == [-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2, 50])
        #expect(fitted.targetScale?.restored(50) == 105 && fitted.classNames == nil && data.classWeights.isEmpty)
        #expect(data.remarks == ["1 row without 'y' is left out"])
        expectError("there are no rows of t.csv to train on") { _ = try TablePreparation(fittedTo: whole, rows: [], schema: schema) }
    }
}

@Suite struct TableSplitTests {
    private func schema(_ classes: [(String, Int)]) throws -> (DataTable, TableSchema) {
        var (lines, row) = (["x,y"], 0)
        for (name, count) in classes {
            for _ in 0..<count {
                lines.append("\(row * row % 11),\(name)")
                row += 1
            }
        }
        let whole = try table(lines)
        return (whole, try TableSchema(whole, TableChoice(target: "y")))
    }

    private func labels(_ schema: TableSchema) -> [Int32] {
        if case .classes(let labels, _) = schema.target.values { labels } else { [] }
    }

    @Test func partsHaveTheirShareOfEachClass() throws {
        let (_, schema) = try schema([("a", 50), ("b", 30), ("c", 7), ("d", 1)])
        for seed in [UInt64(0), 1, 2] {
            let (training, heldOut) = schema.split(heldOut: 0.2, seed: seed)
            #expect((training + heldOut).sorted() == schema.rows && training == training.sorted() && heldOut == heldOut.sorted())
            #expect(abs(heldOut.count - 18) <= 1)
            let labels = labels(schema)
            for (label, count) in [50, 30, 7, 1].enumerated() {
                let own = heldOut.count { labels[$0] == label }
                #expect(abs(Double(own) - 0.2 * Double(count)) <= 1 && own < count, "\(label): \(own)")
            }
            let again = schema.split(heldOut: 0.2, seed: seed)
            #expect(again.training == training && again.heldOut == heldOut)
        }
        #expect(schema.split(heldOut: 0.2, seed: 0).heldOut != schema.split(heldOut: 0.2, seed: 1).heldOut)
        #expect(schema.split(heldOut: 0, seed: 1).heldOut.isEmpty && schema.split(heldOut: 1, seed: 1).training.isEmpty)
        // Kept bits: the same rows in every version and on every machine.
        #expect(schema.split(heldOut: 0.05, seed: 7).heldOut == [20, 34, 44, 63])
    }

    @Test func foldsHoldOutEachRowOnce() throws {
        let (_, schema) = try schema([("a", 23), ("b", 14), ("c", 6)])
        let labels = labels(schema)
        let folds = try schema.folds(5, seed: 3)
        #expect(folds.count == 5 && folds.flatMap(\.heldOut).sorted() == schema.rows)
        for fold in folds {
            #expect((fold.training + fold.heldOut).sorted() == schema.rows && [8, 9].contains(fold.heldOut.count))
            for (label, counts) in [[4, 5], [2, 3], [1, 2]].enumerated() { #expect(counts.contains(fold.heldOut.count { labels[$0] == label })) }
        }
        #expect(try schema.folds(5, seed: 3).map(\.heldOut) == folds.map(\.heldOut) && schema.folds(5, seed: 4).map(\.heldOut) != folds.map(\.heldOut))
        expectError("43 rows cannot be dealt to 44 folds") { _ = try schema.folds(44, seed: 0) }
        expectError("1 fold") { _ = try schema.folds(1, seed: 0) }
    }

    @Test func classesAndWeights() throws {
        let (whole, schema) = try schema([("a", 6), ("b", 3), ("c", 1)])
        let data = try TableDataSet(whole, TablePreparation(fittedTo: whole, rows: schema.rows, schema: schema))
        #expect(data.classCounts == [6, 3, 1])
        let answers: [Float] = [10 / 18, 10 / 9, 10 / 3]
        for (weight, answer) in zip(data.classWeights, answers) { #expect(abs(weight - answer) < 1e-6) }
        let (training, heldOut) = data.split(heldOut: 0.3, seed: 1)
        #expect(training.count == 7 && heldOut.count == 3)
        let missing = try TableDataSet(whole, rows: [0, 1, 6], data.preparation)
        #expect(missing.classCounts == [2, 1, 0])
        #expect(missing.classWeights == [0.75, 1.5, 0])
    }

    @Test func batchesHoldTheRows() throws {
        let whole = Penguins.table
        #expect(whole.rowCount == 344 && whole.names.first == "species")
        let schema = try TableSchema(whole, TableChoice(target: "species"))
        #expect(schema.features.map(\.name) == Array(whole.names.dropFirst()) && schema.remarks.isEmpty, "\(schema.remarks)")
        let (training, heldOut) = schema.split(heldOut: 0.2, seed: 1)
        let fitted = try TablePreparation(fittedTo: whole, rows: training, schema: schema)
        #expect(fitted.classNames == ["Adelie", "Chinstrap", "Gentoo"] && fitted.categorySizes == [5, 4])
        #expect(fitted.numberNames.prefix(5) == ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year"])
        let data = try TableDataSet(whole, rows: training, fitted)
        #expect(try TableDataSet(whole, rows: heldOut, fitted).remarks.isEmpty)
        for (column, name) in fitted.numberNames.prefix(5).enumerated() {
            let own = try values(data, "numbers").enumerated().filter { $0.offset % fitted.numberCount == column }.map { Double($0.element) }
            let mean = own.reduce(0, +) / Double(own.count)
            #expect(abs(mean) < 1e-6, "\(name)")
        }
        let loader = try BatchLoader(data, batchSize: 32, seed: 4, epochs: 1)
        var count = 0
        while let batch = try loader.next() {
            #expect(batch.values(of: "numbers", as: Float.self).count == batch.count * fitted.numberCount)
            #expect(batch.values(of: "label", as: Int32.self).allSatisfy { (0..<3).contains($0) })
            count += batch.count
        }
        #expect(count == training.count)
    }

    /// Tables as others write them.
    @Test(arguments: [
        ("german_credit", "risk", 1000, 2), ("breast_cancer", "diagnosis", 569, 2), ("diabetes", "progression", 442, 0), ("wine", "cultivar", 178, 3),
        ("titanic", "survived", 2207, 2), ("penguins", "species", 344, 3),
    ])
    func realTables(name: String, target: String, rows: Int, classes: Int) throws {
        guard let folder = dataFolder, access("\(folder)/tabular/\(name).csv", R_OK) == 0 else {
            return print("skipped: realTables wants \(name).csv in the folder tabular of SOMA_DATA")
        }
        let whole = try DataTable(path: "\(folder)/tabular/\(name).csv")
        let schema = try TableSchema(whole, TableChoice(target: target))
        #expect(whole.rowCount == rows && schema.rows.count == rows)
        let fitted = try TablePreparation(fittedTo: whole, rows: schema.split(heldOut: 0.2, seed: 0).training, schema: schema)
        #expect(fitted.classNames?.count ?? 0 == classes && schema.features.count == whole.names.count - 1, "\(schema.remarks)")
        #expect(try TableDataSet(whole, fitted).count == rows)
    }
}

private func values(_ data: TableDataSet, _ field: String) throws -> [Float] {
    try gather(data) { Array($0.values(of: field, as: Float.self)) }
}

private func integers(_ data: TableDataSet, _ field: String) throws -> [Int32] {
    try gather(data) { Array($0.values(of: field, as: Int32.self)) }
}

private func gather<T>(_ data: TableDataSet, _ values: (Batch) -> [T]) throws -> [T] {
    let loader = try BatchLoader(data, batchSize: 2, seed: nil, epochs: 1)
    var result: [T] = []
    while let batch = try loader.next() { result += values(batch) }
    return result
}
