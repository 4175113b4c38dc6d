import Soma
import SomaZoo

/// A trained model that makes pictures of random numbers.
struct PictureGenerator {
    private let session: Session
    private let path: String
    /// The random numbers of a picture.
    let noiseCount: Int
    let channels: Int
    let size: PictureSize
    /// The values that are black and white.
    let range: ClosedRange<Float>

    /// Pictures that are computed at a time, so that any number takes little memory.
    private static let atOnce = 64

    /// - Throws: `SomaError` where the model takes something else than random numbers, or makes something else than pictures.
    init(_ session: Session, _ saved: Checkpoint) throws {
        (self.session, path) = (session, saved.path)
        switch session.input {
        case .noise(let count): noiseCount = count
        case .picture, .row, .text:
            throw SomaError("\(saved.path) takes \(session.input.title) and generates nothing", hint: "soma predict tells what they show or are")
        }
        switch session.answer {
        case .picture(let channels, let rows, let columns, let range):
            (self.channels, size, self.range) = (channels, PictureSize(height: rows, width: columns), range)
        case .classes: throw SomaError("\(saved.path) tells classes and makes no pictures")
        case .token: throw SomaError("\(saved.path) tells tokens and makes no pictures")
        case .number(let name, _): throw SomaError("\(saved.path) tells \(name) and makes no pictures")
        }
    }

    /// Makes pictures one after the other.
    /// - Parameters:
    ///   - numbers: the random numbers of a picture, from 0.
    ///   - use: called with the number, the random numbers and the values of each.
    /// - Throws: `SomaError` where the weights are not finite; what `numbers` and `use` throw; `BackendError`.
    func make(_ count: Int, numbers: (Int) throws -> [Float], use: (Int, [Float], [Float]) throws -> Void) throws {
        for start in stride(from: 0, to: count, by: Self.atOnce) {
            let samples = try (start..<min(start + Self.atOnce, count)).map(numbers)
            for (index, answer) in try session.answers(to: samples).enumerated() {
                guard answer.allSatisfy(\.isFinite) else { throw SomaError("\(path) makes no pictures: its weights give NaN or an infinity") }
                try use(start + index, samples[index], answer)
            }
        }
    }
}
