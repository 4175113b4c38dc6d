import Testing

@testable import Soma

/// A table of some lines of text.
func table(_ lines: String..., header: CSVFile.Header = .told) throws -> DataTable { try table(lines, header: header) }

func table(_ lines: [String], header: CSVFile.Header = .told) throws -> DataTable {
    let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
    return try DataTable(CSVFile(region: ByteRegion(count: bytes.count) { $0.copyBytes(from: bytes) }, path: "t.csv", header: header))
}

@Suite struct TableSchemaTests {
    private func kinds(_ schema: TableSchema) -> [String] { schema.features.map { "\($0.name) \($0.kind)" } }

    private func remark(_ schema: TableSchema, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(schema.remarks.contains { line in words.allSatisfy(line.contains) }, "\(schema.remarks)", sourceLocation: sourceLocation)
    }

    @Test func kindsOfColumns() throws {
        let schema = try TableSchema(
            table("n,word,flag,y", "1,a,yes,p", "2.5,b,no,q", " -3e2 ,a,yes,p", "?,NA,n/a,q", "nAn,NULL,#N/a,p", ",,None,q"), TableChoice(target: "y"))
        #expect(kinds(schema) == ["n number", "word category", "flag category"])
        #expect(schema.rows == [0, 1, 2, 3, 4, 5] && schema.remarks.isEmpty && schema.columnNames == ["n", "word", "flag", "y"])
        guard case .classes(let labels, let names) = schema.target.values else { return _ = Issue.record("the target is of another kind") }
        #expect(labels == [0, 1, 0, 1, 0, 1] && names == ["p", "q"])
    }

    @Test func decimalCommas() throws {
        let schema = try TableSchema(table("a;b;y", "1,5;1;p", "2;2.5;q", "-,5;3;p"), TableChoice(target: "y"))
        #expect(kinds(schema) == ["a number", "b number"])
        let mixed = try TableSchema(table("a;b;y", "1,5;1;p", "2.5;2;q", "3;3;p"), TableChoice(target: "y"))
        #expect(kinds(mixed) == ["a category", "b number"])
        remark(mixed, "'a' is read as categories", "decimal points and with decimal commas")
        // With commas between cells a comma within quotes is no decimal one.
        let quoted = try TableSchema(table("a,y", "\"1,5\",p", "\"1,5\",q", "\"2,5\",q"), TableChoice(target: "y"))
        #expect(kinds(quoted) == ["a category"])
    }

    @Test func columnsOfNoUse() throws {
        let lines = (0..<20).map { "\($0 % 3),5,same,NA,name\($0),\($0 + 1),\($0 % 2)" }
        let whole = try table(["x,five,word,none,name,row,y"] + lines)
        let schema = try TableSchema(whole, TableChoice(target: "y"))
        #expect(kinds(schema) == ["x number"])
        remark(schema, "'five' is dropped", "the same number")
        remark(schema, "'word' is dropped", "“same”")
        remark(schema, "'none' is dropped", "missing")
        remark(schema, "'name' is dropped", "20 of its 20 values are different")
        remark(schema, "'row' is dropped", "counts the rows")
        // Those that are named are taken, if there is anything in them.
        let named = try TableSchema(whole, TableChoice(target: "y", features: ["row", "name", "five"]))
        #expect(kinds(named) == ["name category", "row number"])
        // One value and missing ones tell two things apart.
        let schemaWithGaps = try TableSchema(table("a,b,y", "5,k,0", "NA,NA,1", "5,k,0"), TableChoice(target: "y"))
        #expect(kinds(schemaWithGaps) == ["a number", "b category"])
        expectError("t.csv has no column to tell 'y' from", "'a' is dropped") { _ = try TableSchema(table("a,y", "1,p", "1,q"), TableChoice(target: "y")) }
    }

    @Test func wholeNumbersAsCategories() throws {
        let schema = try TableSchema(table("code,x,y", "10,1,p", "9,2,q", "10.0,3,p", "010,4,q"), TableChoice(target: "y", categories: ["code"]))
        #expect(kinds(schema) == ["code category", "x number"] && schema.features[0].areWhole)
    }

    @Test func numbersThatAreNone() throws {
        let schema = try TableSchema(table("a,b,y", "1,1,p", "1e999,x,q", "-inf,2,p", "2,3,q"), TableChoice(target: "y"))
        #expect(kinds(schema) == ["a number", "b category"])
        remark(schema, "'a' has 2 numbers that are not finite, taken for missing: see line 3")
        remark(schema, "'b' is read as categories", "“x” in line 3 is no number, 3 of 4 values are")
        // Another word for a missing value.
        let told = try TableSchema(table("b,y", "1,p", "X,q", "2,p"), TableChoice(target: "y", missing: MissingValues(["x"])))
        #expect(kinds(told) == ["b number"])
    }

    @Test func chosenColumns() throws {
        let whole = try table("sepal_length,width,y", "1,2,p", "2,1,q", "3,2,p")
        #expect(try kinds(TableSchema(whole, TableChoice(target: "y", leavingOut: ["width"]))) == ["sepal_length number"])
        // In the order of the file.
        #expect(try kinds(TableSchema(whole, TableChoice(target: "y", features: ["width", "sepal_length"]))) == ["sepal_length number", "width number"])
        expectError("t.csv has no column 'sepal_lenght'", "did you mean 'sepal_length'?") { _ = try TableSchema(whole, TableChoice(target: "y", features: ["sepal_lenght"])) }
        expectError("no column 'Width'", "did you mean 'width'?") { _ = try TableSchema(whole, TableChoice(target: "y", leavingOut: ["Width"])) }
        expectError("no column 'species'", "its columns are sepal_length, width, y") { _ = try TableSchema(whole, TableChoice(target: "species")) }
        expectError("no column 'q'") { _ = try TableSchema(whole, TableChoice(target: "y", categories: ["q"])) }
        expectError("'width' of t.csv is to be used and left out") { _ = try TableSchema(whole, TableChoice(target: "y", features: ["width"], leavingOut: ["width"])) }
        expectError("'y' of t.csv is the target", "itself") { _ = try TableSchema(whole, TableChoice(target: "y", features: ["y"])) }
        expectError("no column of t.csv is named") { _ = try TableSchema(whole, TableChoice(target: "y", features: [])) }
    }

    private func target(_ values: [String], _ kind: TableChoice.TargetKind? = nil) throws -> TableSchema {
        try TableSchema(table(["x,y"] + values.enumerated().map { "\($0 * $0 % 7),\($1)" }), TableChoice(target: "y", kind: kind))
    }

    private func classNames(_ schema: TableSchema) -> [String]? {
        if case .classes(_, let names) = schema.target.values { names } else { nil }
    }

    @Test func targets() throws {
        #expect(try classNames(target(["b", "a", "b"])) == ["a", "b"])
        let bits = try target(["1", "0", "1", "0"])
        #expect(classNames(bits) == ["0", "1"] && bits.remarks.isEmpty, "\(bits.remarks)")
        // Numbers are sorted by their size, and 2 is 2.0.
        let quality = try target((0..<60).map { ["3", "10", "9.0", "9"][$0 % 4] })
        #expect(classNames(quality) == ["3", "9", "10"])
        remark(quality, "the numbers of 'y' are taken for 3 classes")
        #expect(try classNames(target(["1", "2", "3", "4"])) == nil)
        #expect(try classNames(target(["1", "2", "3", "4"], .classes)) == ["1", "2", "3", "4"])
        #expect(try classNames(target((0..<60).map { ["0.5", "1.5"][$0 % 2] })) == nil)
        guard case .numbers(let values) = try target(["0", "1", "NA", "1"], .number).target.values else { return _ = Issue.record("the target is of another kind") }
        #expect(values == [0, 1, 1])
        #expect(try classNames(target((0..<200).map { String($0 % 30) })) == nil)
    }

    @Test func targetsThatAreMissing() throws {
        let schema = try target(["a", "", "b", "NA", "a"])
        #expect(schema.rows == [0, 2, 4])
        remark(schema, "2 rows without 'y' are left out")
        remark(schema, "the class “b” of 'y' has one row")
        #expect(try target(["1.5", "1e999", "2.5"]).rows == [0, 2])
    }

    @Test func targetsOfNoUse() {
        expectError("all values of the target 'y' of t.csv are missing") { _ = try target(["", "NA"]) }
        expectError("there is nothing to tell: 'y' of t.csv has one class only, “a”") { _ = try target(["a", "a", "NA"]) }
        expectError("one class only, “1”") { _ = try target([String](repeating: "1", count: 10)) }
        expectError("there is nothing to tell: 'y' of t.csv has the same number") { _ = try target(["1.5", "1.5"]) }
        expectError("line 3 has “b” for 'y', which is no number") { _ = try target(["1", "b"], .number) }
        expectError("'y' of t.csv has 12 different words in 12 rows") { _ = try target((0..<12).map { "n\($0)" }) }
        #expect(throws: Never.self) { _ = try target((0..<12).map { "n\($0)" }, .classes) }
    }

    @Test func tablesWithoutRows() throws {
        expectError("t.csv has a header but no rows", "write one of names above it") { _ = try table("a,b") }
        #expect(try table("1,2", header: .absent).rowCount == 1)
        let read = try table("a,b", "\"1", "\",2", "3,4")
        #expect(read.row(0).map(ExactText.init) == ["1\n", "2"].map(ExactText.init) && read.line(ofRow: 1) == 4)
    }

    @Test func manyRemarksAreFew() throws {
        let names = (["x", "y"] + (0..<100).map { "c\($0)" }).joined(separator: ",")
        let rows = (0..<3).map { "\($0),\($0 % 2)" + String(repeating: ",", count: 100) }
        let schema = try TableSchema(table([names] + rows), TableChoice(target: "y"))
        #expect(schema.remarks.count == 21 && schema.remarks.last == "81 further columns are dropped or told of", "\(schema.remarks)")
        remark(schema, "the class “1” of 'y' has one row")
    }

    @Test func fingerprints() throws {
        let lines = ["a,b,c", "1,xy,z", "2,x,yz"]
        let own = try table(lines).fingerprint(ofColumns: ["a", "b"])
        #expect(own.parts.map { $0.count } == [2] && own.parts[0].hash.utf8.count == 64)
        #expect(try table("b,a,d", "xy,1,0", "x,2,0").fingerprint(ofColumns: ["b", "a"]) != own)
        #expect(try table("a,b,other", "1,xy,0", "2,x,0").fingerprint(ofColumns: ["b", "a"]) == own)
        let others = [
            ["a,b,c", "1,xy,z", "2,y,yz"], ["a,b,c", "1,x,z", "2,yx,yz"], ["a,b,c", "2,x,z", "1,xy,yz"], ["a,b,c", "1,xy,z", "2,x,z", "2,x,z"],
            ["a,B,c", "1,xy,z", "2,x,yz"],
        ]
        for other in others {
            let names = Array(try table(other).names.prefix(2))
            #expect(try table(other).fingerprint(ofColumns: names) != own, "\(other)")
        }
    }

    // MARK: Parts

    /// Three parts are a split of a split.
    @Test func partsOfAPart() throws {
        let schema = try TableSchema(table(["x,y"] + (0..<100).map { "\($0 * 3 % 7),\($0 < 20 ? "rare" : "usual")" }), TableChoice(target: "y"))
        let (rest, test) = schema.split(heldOut: 0.2, seed: 1)
        let (training, validation) = schema.split(heldOut: 0.25, of: rest, seed: 2)
        #expect([training.count, validation.count, test.count] == [60, 20, 20] && (training + validation + test).sorted() == Array(0..<100))
        // Each has its share of the rare class.
        #expect([training, validation, test].map { $0.count { $0 < 20 } } == [12, 4, 4])
        #expect(training == training.sorted() && schema.split(heldOut: 0.2, of: schema.rows.reversed(), seed: 1).heldOut == test)
    }

    @Test func rowsWithoutATargetCannotBeDealt() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let table = try DataTable(text: "x,y\n1,a\n2,b\n3,\n")
            _ = try TableSchema(table, TableChoice(target: "y")).split(heldOut: 0.5, of: [0, 1, 2], seed: 1)
        }
        let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        for word in ["of 3 rows 2", "TableSchemaTests.swift"] { #expect(text.contains(word), "\(text.prefix(300))") }
    }
}
