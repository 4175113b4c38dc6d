import CPUKernels
import Foundation
import Soma
import SomaEstimators
import Testing

/// The known answers in `fixtures/answers.json`, which scikit-learn computed.
enum Answers {
    static let all: JSON = {
        do {
            let folder = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
            let file = try ByteRegion(reading: "/\(folder)/fixtures/answers.json")
            return try withExtendedLifetime(file) { try JSON(parsing: file.bytes) }
        } catch { fatalError("\(error)") }
    }()

    static func part(_ names: String...) -> JSON { names.reduce(all) { $0.part($1) } }
}

extension JSON {
    /// The member of that name, which must be there.
    func part(_ name: String) -> JSON {
        guard let member = self[name] else { fatalError("no member '\(name)' among \(members?.map(\.name) ?? [])") }
        return member
    }

    func doubles(_ name: String) -> [Double] { (part(name).array ?? []).map { $0.double ?? .nan } }
    func integers(_ name: String) -> [Int] { doubles(name).map { Int($0) } }
}

/// What differs first from known answers by more than a tolerance, absolute and relative; nil if nothing does.
func difference(_ values: [some BinaryFloatingPoint], _ answers: [Double], _ tolerance: Double) -> String? {
    guard values.count == answers.count else { return "\(values.count) values, not \(answers.count)" }
    for (index, (value, answer)) in zip(values, answers).enumerated() where !(abs(Double(value) - answer) <= tolerance * max(1, abs(answer))) {
        return "value \(index) is \(value), not \(answer)"
    }
    return nil
}

/// The embedded data as the fixtures have them.
enum TestData {
    static let pixels: Matrix = {
        do {
            return Matrix(rows: Digits.images.shape[0], columns: 64, values: try Digits.images.withBytes { $0.map { Float($0) } })
        } catch { fatalError("\(error)") }
    }()
    static let digits: [Int] = {
        do { return try Digits.labels.withBytes { $0.map { Int($0) } } } catch { fatalError("\(error)") }
    }()

    /// Bill length, bill depth, flipper length and body mass of the penguins that were measured, and the species in order of the alphabet.
    static let penguins: (measures: Matrix, species: [Int]) = {
        let table = Penguins.table
        func index(_ name: String) -> Int { table.column(named: name) ?? -1 }
        let columns = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"].map(index)
        let rows = (0..<table.rowCount).map(table.row).filter { row in columns.allSatisfy { Float(row[$0]) != nil } }
        let names = Set(rows.map { $0[index("species")] }).sorted()
        return (
            Matrix(rows.map { row in columns.map { Float(row[$0]) ?? .nan } }), rows.map { row in names.firstIndex(of: row[index("species")]) ?? -1 }
        )
    }()

    static var masses: [Float] { (0..<penguins.measures.rows).map { penguins.measures[$0, 3] } }
    static let weights: [Float] = (0..<2000).map { Float(1 + $0 % 3) }

    /// The sums of the rows and of the columns of each digit.
    static let lineSums: Matrix = Matrix(
        (0..<pixels.rows).map { row in
            let image = Array(pixels[row])
            let across = (0..<8).map { y in (0..<8).reduce(Float(0)) { $0 + image[8 * y + $1] } }
            let down = (0..<8).map { x in (0..<8).reduce(Float(0)) { $0 + image[8 * $1 + x] } }
            return across + down
        })
}

extension Matrix {
    func firstColumns(_ count: Int) -> Matrix { Matrix((0..<rows).map { Array(self[$0].prefix(count)) }) }
    func firstRows(_ count: Int) -> Matrix { selecting(Array(0..<count)) }
}

/// Tests run side by side; one at a time says how many threads there are.
private let resizing = NSLock()

/// Runs `body` on one, two and three threads, and tells whether all gave the same.
func isSameOnThreads<Value: Equatable>(_ body: () throws -> Value) rethrows -> Bool {
    resizing.lock()
    let before = soma_team_size()
    defer {
        soma_team_resize(before)
        resizing.unlock()
    }
    var values: [Value] = []
    for size: Int32 in [1, 2, 3] {
        soma_team_resize(size)
        values.append(try body())
    }
    return values.allSatisfy { $0 == values[0] }
}

/// A model that was written and read again.
func reread<Model: FittedModel>(_ model: Model) throws -> Model { try Model(namedArrays: model.namedArrays) }

/// The one line that `body` is refused with.
func refusal(_ body: () throws -> Any) -> String {
    do { return "accepted: \(try body())" } catch { return "\(error)" }
}
