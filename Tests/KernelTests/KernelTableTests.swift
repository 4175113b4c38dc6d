import Foundation
import Kernels
import Testing

/// The table of embedded kernels holds exactly what lies in the folder.
@Suite struct KernelTableTests {
    private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Kernels").standardizedFileURL
    private let entries = (0..<kernel_text_count()).map(kernel_text_at)

    @Test func namesAreThoseOfTheFiles() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".cl") }.sorted()
        #expect(!files.isEmpty)
        #expect(entries.map { String(cString: $0.name) + ".cl" } == files)
    }

    @Test func textsAreThoseOfTheFiles() throws {
        for entry in entries {
            let name = String(cString: entry.name)
            let file = try Data(contentsOf: folder.appendingPathComponent(name + ".cl"))
            #expect(Data(bytes: entry.text, count: entry.length) == file, "\(name).cl was changed after it was embedded")
            #expect(entry.text[entry.length] == 0)
        }
    }

    @Test func everyTuningParameterHasItsLine() throws {
        for entry in entries {
            let lines = String(cString: entry.text).split(separator: "\n", omittingEmptySubsequences: false)
            for (place, line) in lines.enumerated() where line.hasPrefix("#ifndef ") {
                let name = line.dropFirst("#ifndef ".count)
                let define = lines[place + 1]
                #expect(define.hasPrefix("#define \(name)") && define.contains("  // "), "\(String(cString: entry.name)).cl: \(define)")
            }
        }
    }
}
