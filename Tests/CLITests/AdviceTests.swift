import Glibc
import Soma
import SomaZoo
import Testing

/// Messages name options, settings and variables of this program, and each of them is one that there is.
@Suite struct AdviceTests {
    private let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }
    let folder = TestFolder()

    /// Each text in quotation marks in the sources, with where it is; comments are left out.
    private func texts() throws -> [(place: String, text: String)] {
        let list = Command.run(["find", "\(root)/Sources", "-name", "*.swift"], in: folder).lines.sorted()
        try #require(list.count > 200)
        return try list.flatMap { path in
            let source = try String(decoding: SmallFile.read(path, limit: 1 << 24), as: UTF8.self)
            var texts: [(place: String, text: String)] = []
            var isLong = false
            for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
                if line.drop(while: { $0 == " " }).hasPrefix("//") { continue }
                let marks = line.components(separatedBy: "\"\"\"") - 1
                if isLong || marks > 0 { texts.append((path, String(line))) } else { texts += Self.quoted(line).map { (path, $0) } }
                if marks % 2 == 1 { isLong.toggle() }
            }
            return texts
        }
    }

    private static func quoted(_ line: Substring) -> [String] { line.matches(of: /"((?:[^"\\]|\\.)*)"/).map { String($0.1) } }

    /// The commands by their names, each with its options.
    private func options() throws -> Set<String> {
        let help = Command.soma("--experimental-dump-help", in: folder)
        try #require(help.status == 0, "\(help.complaint)")
        var names: Set<String> = []
        func collect(_ json: JSON) {
            for member in json.members ?? [] {
                if member.name == "names" { for name in member.value.array ?? [] { if let text = name["name"]?.string { names.insert(text) } } }
                collect(member.value)
            }
            for element in json.array ?? [] { collect(element) }
        }
        collect(try JSON(parsing: help.output))
        try #require(names.isSuperset(of: ["device", "resume", "epochs"]))
        return names
    }

    @Test func everyOptionThatIsNamedIsThere() throws {
        // A setting of a recipe may be written as an option.
        let known = try options().union(Recipes.all.flatMap { $0.settings.map(\.key) })
        var found = 0
        for (place, text) in try texts() {
            // Not within a word, nor an option of another program: `swift build -c release` has one hyphen.
            for match in text.matches(of: /(?:^|[ `'(,])--([a-z][a-z-]*)/) where match.1 != "key" {
                found += 1
                #expect(known.contains(String(match.1)), "--\(match.1) in \(place): \(text)")
            }
        }
        #expect(found > 50, "options are no longer found")
    }

    /// `key=value` in what recipes and the command say.
    @Test func everySettingThatIsNamedIsThere() throws {
        let known = Set(Recipes.all.flatMap { $0.settings.map(\.key) })
        var found = 0
        for (place, text) in try texts() where place.contains("/SomaZoo/") || place.contains("/SomaCLI/Train/") || place.contains("/Soma/Training/") {
            for match in text.matches(of: /(?:^|[ `'(])([a-z][a-z-]*)=(?!\\?")/) where match.1 != "key" {
                found += 1
                #expect(known.contains(String(match.1)), "\(match.1)= in \(place): \(text)")
            }
        }
        #expect(found > 10, "settings are no longer found")
    }

    /// Variables that are named are read somewhere.
    @Test func everyVariableThatIsNamedIsRead() throws {
        // In the text of kernels these are macros.
        let all = try texts().filter { !$0.place.contains("/OpenCLBackend/Text/") && !$0.text.contains("#define") }
        let read = Set(all.map(\.text))
        var found = 0
        for (place, text) in all {
            for match in text.matches(of: /SOMA_[A-Z_]+/) {
                found += 1
                #expect(read.contains(String(match.0)) || isReadInC(String(match.0)), "\(match.0) in \(place): \(text)")
            }
        }
        #expect(found > 20, "variables are no longer found")
    }

    private func isReadInC(_ name: String) -> Bool {
        Command.run(["grep", "-rqF", "getenv(\"\(name)\")", "\(root)/Sources"], in: folder).status == 0
    }
}

extension Substring {
    /// How many parts there are between occurrences of a text.
    fileprivate func components(separatedBy text: String) -> Int { ranges(of: text).count + 1 }
}
