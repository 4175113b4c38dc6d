import Testing

@testable import Soma

@Suite struct CSVTests {
    let folder = TemporaryFolder()

    private func rows(_ text: String, separator: CSVSeparator? = nil, header: CSVFile.Header = .told) throws -> (names: [String], rows: [[String]]) {
        try rows(Array(text.utf8), separator: separator, header: header)
    }

    private func rows(_ bytes: [UInt8], separator: CSVSeparator? = nil, header: CSVFile.Header = .told) throws -> (names: [String], rows: [[String]]) {
        let file = try CSVFile(path: folder.file("t.csv", bytes), separator: separator, header: header)
        var rows: [[String]] = []
        try file.forEachRow { record in rows.append((0..<record.count).map(record.text)) }
        return (file.names, rows)
    }

    private func expect(
        _ text: String, _ names: [String], _ answer: [[String]], header: CSVFile.Header = .told, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let read = try rows(text, header: header)
        #expect(read.names.map(ExactText.init) == names.map(ExactText.init), sourceLocation: sourceLocation)
        #expect(read.rows.map { $0.map(ExactText.init) } == answer.map { $0.map(ExactText.init) }, sourceLocation: sourceLocation)
    }

    @Test func cellsAndLines() throws {
        try expect("a,b\n1,2\n3,4\n", ["a", "b"], [["1", "2"], ["3", "4"]])
        try expect("a,b\r\n1,2\r\n3,4", ["a", "b"], [["1", "2"], ["3", "4"]])
        try expect("a,b\r1,2\r3,4\r", ["a", "b"], [["1", "2"], ["3", "4"]])
        // A line without any byte is no row; one of separators is.
        try expect("\n\na,b\n\r\n1,2\n\n,\n", ["a", "b"], [["1", "2"], ["", ""]])
        try expect("\u{FEFF}a,b\n1,2\n", ["a", "b"], [["1", "2"]])
        try expect(" a ,\"b \"\n 1 ,2\n", ["a", "b"], [[" 1 ", "2"]])
        try expect("x\n1\n\"\"\n2\n", ["x"], [["1"], [""], ["2"]])
    }

    @Test func quotes() throws {
        try expect("a,b\n\"x,y\",\"he said \"\"no\"\"\"\n", ["a", "b"], [["x,y", "he said \"no\""]])
        try expect("\"a\",\"b\"\r\n\"one\r\ntwo\",\"\n\"\r\n\"\r\",\"\"\"\"\n", ["a", "b"], [["one\r\ntwo", "\n"], ["\r", "\""]])
        // A quote within a cell that does not begin with one is a quote.
        try expect("a,b\n5\" pipe,x\"\"y\n", ["a", "b"], [["5\" pipe", "x\"\"y"]])
        // Swift takes an accent for a part of the quote or separator before it.
        try expect("a,b\n\"\u{301}\",\u{301}x\n\u{301},\"\"\n", ["a", "b"], [["\u{301}", "\u{301}x"], ["\u{301}", ""]])
    }

    /// The same cells wherever the pieces of the file end.
    @Test func piecesOfAFile() throws {
        for length in [65520, 65525, 65530, 65531, 65532, 65533, 65534, 65535, 65536] {
            let long = String(repeating: "x", count: length)
            try expect("a,b\r\n\"\(long)\"\"é\r\n\",\"\r\n\"\r\n1,2\r\n", ["a", "b"], [["\(long)\"é\r\n", "\r\n"], ["1", "2"]])
        }
    }

    @Test func separators() throws {
        func told(_ text: String) throws -> CSVSeparator { try CSVFile(path: folder.file("t.csv", Array(text.utf8)), header: .present).separator }
        #expect(try told("a,b\n1,2\n") == .comma)
        #expect(try told("a;b\n1,5;2,5\n") == .semicolon)
        #expect(try told("a\tb\nx, y\tz, w\n") == .tab)
        #expect(try told("1,5;2,5\n0,5;3,5\n") == .semicolon)
        // Separators within quotes do not count.
        #expect(try told("\"a;b;c\",d\n\"1;2;3\",4\n") == .comma)
        #expect(try told("\"a\";\"b\"\n\"x, y, z\";\"w\"\n") == .semicolon)
        // As many in each line.
        #expect(try told("name;note\nx;a, b\ny;c\n") == .semicolon)
        #expect(try told("sep=;\nname\nx\n") == .semicolon)
        #expect(try told("x\n1\n") == .comma)
        // More lines than are looked at, the last of them cut.
        #expect(try told("a;b\n" + String(repeating: "0,25;\"a longer, quoted text\"\n", count: 5000)) == .semicolon)
        #expect(try rows("sep=;\r\na;b\r\n1;2\r\n").rows == [["1", "2"]])
    }

    @Test func givenSeparator() throws {
        #expect(try rows("a,b;c\n1,2;3\n", separator: .semicolon).names == ["a,b", "c"])
        #expect(try rows("a,b;c\n1,2;3\n", separator: .comma).names == ["a", "b;c"])
    }

    @Test func headers() throws {
        try expect("1,2\n3,4\n", ["column1", "column2"], [["1", "2"], ["3", "4"]], header: .absent)
        try expect("name,2007,2008\nx,1,2\n", ["name", "2007", "2008"], [["x", "1", "2"]], header: .present)
        expectError("t.csv seems to have no header", "the number 3.5", "write the names", "header: .absent") { _ = try rows("Iris,3.5\nIris,1.4\n") }
        expectError("column 2 has no name", "write one into line 1") { _ = try rows("a,,c\n1,2,3\n") }
        expectError("column 1 has no name", "pandas", "index=False") { _ = try rows(",a\n0,1\n") }
        expectError("columns 1 and 3 are both called 'a'", "write one of names above it") { _ = try rows("a,b, a\n1,2,3\n") }
        // Names are told apart by their bytes.
        #expect(try rows("\u{E9},e\u{301}\n1,2\n").names.count == 2)
    }

    @Test func brokenFiles() {
        expectError("t.csv is empty") { _ = try rows("") }
        expectError("has no line with a cell") { _ = try rows("\n\r\n\n") }
        expectError("t.csv: line 3 has 3 cells, but there are 2 columns", "a comma is put in quotes") { _ = try rows("a,b\n1,2\n1,2,3\n") }
        expectError("line 4 has 1 cell, but there are 2 columns", "left empty") { _ = try rows("a,b\n\"1\n\",2\nx\n") }
        expectError("line 2 has a quote that opens a cell and is never closed", "written twice") { _ = try rows("a,b\n1,\"2\n3,4\n") }
        expectError("line 2 has text behind the closing quote of cell 1") { _ = try rows("a,b\n\"1\"x,2\n") }
        expectError("line 3 has a byte that is zero", "UTF-16") { _ = try rows("a,b\n1,2\n1,\u{0}\n") }
        expectError("line 2 has a byte that is zero") { _ = try rows("a,b\n\"\u{0}\",2\n") }
        expectError("line 2 is no UTF-8 in cell 2", "iconv -f WINDOWS-1252 -t UTF-8 t.csv") { _ = try rows(Array("a,b\nx,caf".utf8) + [0xE9, 0x0A]) }
        // Two halves of a letter in two cells are no letter.
        expectError("line 2 is no UTF-8 in cell 1") { _ = try rows(Array("a,b\n".utf8) + [0xC3, 0x2C, 0xA9, 0x0A]) }
        expectError("t.csv is text in UTF-16", "iconv -f UTF-16") { _ = try rows([0xFF, 0xFE, 0x61, 0, 0x2C, 0, 0x62, 0]) }
        expectError("is text in UTF-16") { _ = try rows([0xFE, 0xFF, 0, 0x61]) }
        expectError("cannot open") { _ = try CSVFile(path: folder.path + "/none.csv") }
        expectError("not a regular file") { _ = try CSVFile(path: folder.path) }
    }

    @Test func otherKinds() throws {
        expectError("is not a table (CSV) but gzip data", "gunzip") { _ = try rows(gzipStored(Array("a,b\n1,2\n".utf8))) }
        expectError("is not a table (CSV) but a web page (HTML)") { _ = try rows("<!DOCTYPE html>\n<html>") }
        expectError("is not a table (CSV) but a pointer of Git LFS") { _ = try rows("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n") }
        let spreadsheet: [UInt8] = [0x50, 0x4B, 3, 4, 20, 0, 0, 0] + [UInt8](repeating: 0, count: 18) + [19, 0, 0, 0] + Array("[Content_Types].xml".utf8)
        expectError("a spreadsheet", "save a table as CSV") { _ = try rows(spreadsheet) }
        expectError("a Parquet table", "to_csv") { _ = try rows(Array("PAR1".utf8) + [0x15, 0, 0x15, 2]) }
        // The first name begins as a picture does.
        try expect("BMI,GIF8,x\na,b,c\n", ["BMI", "GIF8", "x"], [["a", "b", "c"]])
    }

    @Test func limits() {
        expectError("has more than 65536 cells") { _ = try rows(String(repeating: "a,", count: 1_000_000)) }
        let long = String(repeating: "x", count: CSVLimits.cellBytes + 1)
        expectError("line 2 has a cell of more than 1048576 bytes") { _ = try rows("a\n\(long)\n") }
        expectError("line 2 has a cell of more than 1048576 bytes", "the quote that opens it, in line 2, may never be closed") {
            _ = try rows("a,b\n1,\"" + String(repeating: "1,2\n", count: 300_000))
        }
        expectError("line 2 begins a row of more than 67108864 bytes") {
            let cell = String(repeating: "x", count: CSVLimits.cellBytes)
            _ = try rows((0..<70).map { "c\($0)" }.joined(separator: ",") + "\n" + [String](repeating: cell, count: 70).joined(separator: ","))
        }
    }

    // MARK: Writing

    @Test func whatIsWrittenIsRead() throws {
        var random = Philox(seed: 5)
        let parts = ["", " ", "a", ",", ";", "\t", "\"", "\n", "\r", "\r\n", "é", "e\u{301}", "\u{301}", "\u{FEFF}", "sep=", "12", "😀", "NA"]
        for round in 0..<200 {
            let separator = CSVSeparator.allCases[round % 3]
            let width = 1 + random.integer(below: 4)
            func cell() -> String { (0..<random.integer(below: 4)).map { _ in parts[random.integer(below: parts.count)] }.joined() }
            let names = (0..<width).map { "\(["sep=", "\u{FEFF}", "a\n", "x"][random.integer(below: 4)])n\($0)" }
            let rows = (0..<5).map { _ in (0..<width).map { _ in cell() } }
            let path = folder.path + "/w.csv"
            try CSVWriter.write(to: path, names: names, separator: separator) { writer in for row in rows { try writer.append(row) } }
            let file = try CSVFile(path: path, separator: separator, header: .present)
            var read: [[String]] = []
            try file.forEachRow { record in read.append((0..<record.count).map(record.text)) }
            #expect(file.names.map(ExactText.init) == names.map(ExactText.init))
            #expect(read.map { $0.map(ExactText.init) } == rows.map { $0.map(ExactText.init) })
        }
    }

    @Test func onlyWhatNeedsQuotesHasThem() throws {
        let path = folder.path + "/w.csv"
        try CSVWriter.write(to: path, names: ["a b", "c"]) { writer in
            try writer.append(["1", "x,y"])
            try writer.append(["", "say \"no\""])
            try writer.append([" 1", "é;\t."])
            try writer.append(["one\ntwo", "-1e5"])
        }
        #expect(contents(path) == Array("a b,c\n1,\"x,y\"\n,\"say \"\"no\"\"\"\n\" 1\",é;\t.\n\"one\ntwo\",-1e5\n".utf8))
    }

    /// What is not written whole leaves the file as it was.
    @Test func writingIsWholeOrNothing() throws {
        let path = folder.file("w.csv", Array("old".utf8))
        struct Stop: Error {}
        #expect(throws: Stop.self) {
            try CSVWriter.write(to: path, names: ["a"]) { writer in
                try writer.append(["1"])
                throw Stop()
            }
        }
        expectError("cannot write \(path)", "character that is zero") { try CSVWriter.write(to: path, names: ["a"]) { try $0.append(["\u{0}"]) } }
        #expect(contents(path) == Array("old".utf8) && folder.names == ["w.csv"])
    }
}

@Suite struct NumberTextTests {
    private func value(_ text: String, comma: Bool = false) -> Double? { NumberText(Array(text.utf8)[...], allowingComma: comma)?.value }

    @Test func numbers() {
        for text in ["0", "12", "-12", "+3", "0.5", ".5", "5.", "-.25", "1e3", "1E-3", "2.5e+2", "007", "123456789012345678901234567890", "1e22", "1e23", "1e-400"] {
            #expect(value(text) == Double(text.hasSuffix(".") ? text + "0" : text.hasPrefix(".") ? "0" + text : text == "-.25" ? "-0.25" : text), "\(text)")
        }
        #expect(value("-0").map { $0 == 0 && $0.sign == .minus } == true)
        #expect(value("1e999") == .infinity && value("-1e999") == -.infinity && value("1e99999999999999999999") == .infinity)
        #expect(value("inf") == .infinity && value("-Infinity") == -.infinity && value("INF") == .infinity)
        #expect(value("1,5", comma: true) == 1.5 && value("-,5", comma: true) == -0.5 && value("1.5", comma: true) == 1.5)
        for text in ["", ".", "-", "+-1", "1,5", "1.2.3", "1e", "1e+", "e5", "0x10", "nan", "1 2", "12kg", "1_000", "--1", "infinit", "１", "1\u{301}"] {
            #expect(value(text) == nil, "\(text)")
        }
        for text in ["1,5,2", "1.000,5", ",", "1,e"] { #expect(value(text, comma: true) == nil, "\(text)") }
    }

    /// The short way to a number rounds as the standard library does.
    @Test func digitsAreExact() {
        var random = Philox(seed: 1)
        for _ in 0..<5000 {
            let digits = 1 + random.integer(below: 20)
            var text = (0..<digits).map { _ in String(random.integer(below: 10)) }.joined()
            let mark = random.integer(below: digits + 1)
            if mark > 0 && mark < digits { text = text.prefix(mark) + "." + text.dropFirst(mark) }
            if random.integer(below: 2) == 1 { text += "e\(random.integer(below: 60) - 30)" }
            if random.integer(below: 2) == 1 { text = "-" + text }
            #expect(value(text) == Double(text), "\(text)")
        }
    }
}
