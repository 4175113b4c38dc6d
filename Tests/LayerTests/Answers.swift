import Soma
import SomaReference
import Testing

/// Known answers in `fixtures`, which PyTorch computed in double precision.
enum Answers {
    static let all = file("answers.json")

    /// Those of a file in `fixtures`.
    static func file(_ name: String) -> JSON {
        do {
            let folder = "\(#filePath)".split(separator: "/").dropLast().joined(separator: "/")
            let file = try ByteRegion(reading: "/\(folder)/fixtures/\(name)")
            return try withExtendedLifetime(file) { try JSON(parsing: file.bytes) }
        } catch { fatalError("\(error)") }
    }
}

extension JSON {
    /// The member of that name, which must be there.
    func part(_ name: String) -> JSON {
        guard let member = self[name] else { fatalError("no member '\(name)' among \(members?.map(\.name) ?? [])") }
        return member
    }

    var doubles: [Double] { (array ?? []).map { $0.double ?? .nan } }

    func tensor(_ shape: Shape) -> Tensor { Tensor(doubles.map { Float($0) }, shape: shape) }
}

/// The devices that values are checked on: the interpreter of steps, and every backend that has a device here.
enum TestDevices {
    static let interpreter = Device(running: InterpretingBackend())
    static let all: [Device] = [interpreter] + ["cpu", "opencl:0"].compactMap(present)

    private static func present(_ name: String) -> Device? {
        do { return try Device.named(name) } catch {
            print("skipped on \(name): \(error)")
            return nil
        }
    }
}

extension Tensor {
    /// What differs first from known answers, within the tolerance of single precision; nil if nothing does.
    func difference(from answers: [Double], terms: Int = 1) throws -> String? {
        Value(answers, shape: shape, dtype: .float32).firstDifference(from: try doubles(), terms: terms)
    }
}
