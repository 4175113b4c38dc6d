import Kernels
import SomaGraph

/// The text of a file of kernels, with slots that a program fills.
///
/// A slot is a line `//@ name`; a line `//@ section name` begins a part that can be filled on its own, as often as needed. What stands
/// before the first section (the header, the tuning parameters) is the section `head`.
struct KernelTemplate {
    private let sections: [String: [Substring]]
    private let file: String

    /// The file Kernels/`file`.cl.
    init(_ file: String) {
        (self.file, sections) = (file, Self.sections(of: Self.text(of: file)))
    }

    static func sections(of text: String) -> [String: [Substring]] {
        var sections: [String: [Substring]] = [:]
        var current = "head"
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            if let name = Self.slot(line), name.hasPrefix("section ") {
                current = String(name.dropFirst("section ".count))
            } else {
                sections[current, default: []].append(line)
            }
        }
        return sections
    }

    /// The names of all files.
    static var files: [String] { (0..<kernel_text_count()).map { String(cString: kernel_text_at($0).name) } }

    /// The embedded text of Kernels/`file`.cl.
    static func text(of file: String) -> String {
        for place in 0..<kernel_text_count() {
            let entry = kernel_text_at(place)
            if String(cString: entry.name) == file { return String(cString: entry.text) }
        }
        programError("OpenCL", "no file of kernels is named \(file)")
    }

    /// The lines of a section with its slots filled, each filling indented like its slot. A slot without a filling vanishes.
    func filled(_ section: String = "head", _ fillings: [String: [String]] = [:]) -> [String] {
        guard let lines = sections[section] else { programError("OpenCL", "\(file).cl has no section \(section)") }
        var result: [String] = []
        for line in lines {
            guard let name = Self.slot(line) else {
                result.append(String(line))
                continue
            }
            let indentation = line.prefix { $0 == " " }
            for filling in fillings[name] ?? [] { result.append(indentation + filling) }
        }
        return result
    }

    private static func slot(_ line: Substring) -> String? {
        let trimmed = line.drop { $0 == " " }
        return trimmed.hasPrefix("//@ ") ? String(trimmed.dropFirst(4)) : nil
    }
}
