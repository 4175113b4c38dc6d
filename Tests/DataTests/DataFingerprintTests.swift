import Soma
import Testing

/// What checkpoints say of the data of a run, and what is told of other data.
@Suite struct DataFingerprintTests {
    private let folder = TemporaryFolder()
    private let pictures = DataFingerprint(
        .pictures, parts: [.init(name: "cat", count: 3, hash: "ff"), .init(name: "dog", count: 2, hash: "a0")])

    private func checkpoint(_ metadata: [String: String]) throws -> Checkpoint {
        let path = "\(folder.path)/model.safetensors"
        try Checkpoint.write(Linear(from: 1, to: 1), metadata: metadata, to: path)
        return try Checkpoint(path: path)
    }

    @Test func textIsReadBack() throws {
        let table = DataFingerprint(.table, parts: [.init(count: nil, hash: "12")])
        for fingerprint in [pictures, table] {
            #expect(DataFingerprint(fingerprint.description) == fingerprint)
            #expect(try checkpoint([DataFingerprint.key: fingerprint.description]).dataFingerprint() == fingerprint)
        }
        for broken in ["", "{}", #"{"kind":"oak","parts":[]}"#, #"{"kind":"table","parts":[{"name":"","count":1}]}"#,
            #"{"kind":"table","parts":[{"name":"","count":-1,"hash":"1"}]}"#,
            #"{"kind":"pictures","parts":[{"name":"a","count":1,"hash":"1"},{"name":"a","count":1,"hash":"1"}]}"#] {
            #expect(DataFingerprint(broken) == nil, "\(broken)")
            expectError("no fingerprint of data") { _ = try checkpoint([DataFingerprint.key: broken]).dataFingerprint() }
        }
    }

    /// Of a text all that is written counts, and not where it lies.
    @Test func texts() throws {
        func fingerprint(_ files: (name: String, text: String)...) throws -> DataFingerprint {
            for file in files { try AtomicFile.write(file.text, to: "\(folder.path)/\(file.name)") }
            return try TextFiles(paths: files.map { "\(folder.path)/\($0.name)" }).fingerprint()
        }
        let first = try fingerprint(("a.txt", "to be"))
        #expect(DataFingerprint(first.description) == first && first.parts.map(\.count) == [5])
        #expect(try first.change(to: fingerprint(("b.txt", "to be"))) == nil)
        #expect(try first.change(to: fingerprint(("c.txt", "to beg"))) == "it has 6 bytes and had 5")
        #expect(try first.change(to: fingerprint(("d.txt", "to do"))) == "it has other words")
        #expect(try fingerprint(("e.txt", "to "), ("f.txt", "be")).change(to: fingerprint(("g.txt", "to"), ("h.txt", " be"))) == "it has other words")
    }

    /// As each kind of data was told before there was one key.
    @Test func checkpointsOfBefore() throws {
        #expect(try checkpoint(["table.fingerprint": "12"]).dataFingerprint() == DataFingerprint(.table, parts: [.init(count: nil, hash: "12")]))
        #expect(try checkpoint(["digits": "34"]).dataFingerprint() == DataFingerprint(.digits, parts: [.init(count: nil, hash: "34")]))
        let metadata = ["classes": #"["cat","dog"]"#, "pictures": #"["3:ff","2:a0"]"#]
        #expect(try checkpoint(metadata).dataFingerprint() == pictures)
        #expect(try checkpoint(["hidden": "8"]).dataFingerprint() == nil)
        for broken in [#"["3:ff"]"#, "", #"["3:ff","-2:a0"]"#] {
            let broken = metadata.merging(["pictures": broken]) { $1 }
            expectError("does not say its classes and their pictures") { _ = try checkpoint(broken).dataFingerprint() }
        }
        // The count that was not kept says nothing; the hash does.
        let old = DataFingerprint(.table, parts: [.init(count: nil, hash: "12")])
        #expect(old.change(to: DataFingerprint(.table, parts: [.init(count: 5, hash: "12")])) == nil)
        #expect(old.change(to: DataFingerprint(.table, parts: [.init(count: 5, hash: "13")])) == "its rows are others")
    }

    @Test func changesAreNamed() {
        func change(_ parts: (String, Int, String)...) -> String? {
            pictures.change(to: DataFingerprint(.pictures, parts: parts.map { .init(name: $0.0, count: $0.1, hash: $0.2) }))
        }
        #expect(change(("dog", 2, "a0"), ("cat", 3, "ff")) == nil)
        #expect(change(("cat", 3, "ff"), ("dog", 2, "a0"), ("eel", 1, "0")) == "the class 'eel' is new")
        #expect(change(("cat", 3, "ff")) == "the class 'dog' is gone")
        #expect(change(("cat", 4, "fe"), ("dog", 2, "a0")) == "the class 'cat' has 4 pictures and had 3")
        #expect(change(("cat", 3, "ff"), ("dog", 2, "a1")) == "pictures of the class 'dog' have other names or sizes")
        #expect(pictures.change(to: DataFingerprint(.table, parts: [])) == "it is a table, and that was folders of pictures")
    }
}
