import Glibc
import Soma
import Testing

/// Data sets written as folders of pictures, and the check of such folders.
@Suite struct DataFolderTests {
    let folder = TestFolder()

    private func names(_ path: String) -> [String] {
        guard let listing = opendir("\(folder.path)/\(path)") else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            names.append(withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names.filter { $0 != "." && $0 != ".." }.sorted()
    }

    private func check() throws -> (status: Int32, json: JSON) {
        let command = Command.soma("data", "check", "png", "--json", in: folder)
        return (command.status, try JSON(parsing: try #require(command.lines.first)))
    }

    @Test func digitsAsPictures() throws {
        let export = Command.soma("data", "export", "digits", "png", "--limit", "60", in: folder)
        #expect(export.status == 0 && export.output == "png: wrote 120 pictures\n", "\(export.complaint)")
        #expect(names("png") == ["train", "val"] && names("png/train").count == 10)
        let (status, json) = try check()
        #expect(status == 0)
        #expect(json["classes"]?.array?.compactMap { $0["name"]?.string } == (0..<10).map(String.init))
        #expect(json["pictures"] == 120 && json["readable"] == 120 && json["colour"] == 0 && json["sizes"]?["largest"] == [8, 8])
        let text = Command.soma("data", "check", "png", in: folder)
        #expect(text.lines.first == "class  train  val" && text.output.contains("10 classes, 120 pictures: 120 can be read"))
        // The first digit is in one of the folders, with ink in its middle.
        let path = try #require((0..<10).map { "png/train/\($0)/00000.png" }.first(where: folder.exists))
        let picture = try Picture(path: "\(folder.path)/\(path)")
        #expect(picture.width == 8 && picture.pixels.max() ?? 0 > 200)
    }

    @Test func whatIsThereIsKeptAndWhatIsBrokenWrittenAnew() throws {
        #expect(Command.soma("data", "export", "digits", "png", "--limit", "30", in: folder).status == 0)
        let path = try #require((0..<10).map { "png/train/\($0)/00007.png" }.first(where: folder.exists))
        let bytes = try #require(folder.bytes(path))
        try folder.write(path, Array(bytes.dropLast(9)))
        let again = Command.soma("data", "export", "digits", "png", "--limit", "40", in: folder)
        #expect(again.output == "png: wrote 21 pictures, 59 were there\n")
        #expect(folder.bytes(path) == bytes)
    }

    @Test func exportsThatWereStoppedGoOn() throws {
        let interrupt = (signal: SIGINT, when: { !names("png/train").isEmpty })
        let cut = Command.soma("data", "export", "digits", "png", in: folder, interrupt: interrupt)
        // It may have been done before the signal came.
        #expect(cut.status == 130 || cut.status == 0)
        let killed = Command.soma("data", "export", "digits", "other", in: folder, interrupt: (SIGKILL, { !names("other/train").isEmpty }))
        #expect(killed.status == 128 + SIGKILL || killed.status == 0)
        for name in ["png", "other"] {
            #expect(Command.soma("data", "export", "digits", name, in: folder).status == 0)
            #expect(names(name) == ["train", "val"])
            let checked = Command.soma("data", "check", name, in: folder)
            #expect(checked.status == 0 && checked.output.contains("1,797 can be read"), "\(checked.output)")
        }
    }

    @Test func exportsFailInOneLine() throws {
        try folder.write("file", [1])
        Command.soma("data", "export", "digits", "file", in: folder).expectComplaint(1, "file")
        Command.soma("data", "export", "mnist", "png", in: folder).expectComplaint(1, "data/mnist", "soma data mnist")
        #expect(Command.soma("data", "export", "digits", "png", "--limit", "0", in: folder).status == 2)
        try folder.write("blocked/train", [1])
        Command.soma("data", "export", "digits", "blocked", in: folder).expectComplaint(1, "blocked/train", "Not a directory")
        #expect(Command.soma("data", "export", "letters", "png", in: folder).status == 2)
        // No file may grow: the lock is made, the first picture is not.
        let script = "(ulimit -f 0; exec \(Command.folder)/soma data export digits full 2>&1) | cat >&2; exit ${PIPESTATUS[0]}"
        Command.run(["/bin/bash", "-c", script], in: folder).expectComplaint(1, "cannot write full/train/", ".png")
        #expect(names("full") == ["train"] && names("full/train").allSatisfy { names("full/train/\($0)").isEmpty })
    }

    @Test func checksNameEveryBrokenPicture() throws {
        #expect(Command.soma("data", "export", "digits", "png", "--limit", "40", in: folder).status == 0)
        try folder.write("png/train/3/empty.jpg", [])
        try folder.write("png/val/3/text.png", Array("no picture".utf8))
        try folder.write("png/val/3/notes.txt", Array("no picture".utf8))
        let (status, json) = try check()
        #expect(status == 1 && json["readable"] == 80 && json["pictures"] == 82 && json["ignored"] == 1)
        let unreadable = try #require(json["unreadable"]?.array)
        #expect(unreadable.map { $0["path"]?.string } == ["png/train/3/empty.jpg", "png/val/3/text.png"])
        #expect(unreadable.map { $0["reason"]?.string?.hasSuffix("is empty") } == [true, false])
        let text = Command.soma("data", "check", "png", in: folder)
        text.expectComplaint(1, "2 of 82 pictures in png cannot be read")
        #expect(text.lines.filter { $0.hasPrefix("unreadable: ") }.count == 2)
        Command.soma("data", "check", "nowhere", in: folder).expectComplaint(1, "nowhere", "No such file")
        Command.soma("data", "check", "png/train/3", in: folder).expectComplaint(1, "png/train/3", "no folder")
    }
}
