import Glibc
import Soma
import SomaBackend
import SomaGraph

/// The perceptron with two hidden layers that counts are stated for.
struct MLP: Layer {
    let first: Linear
    let second: Linear
    let output: Linear

    init(_ sizes: [Int] = [784, 512, 256, 10]) {
        first = Linear(from: sizes[0], to: sizes[1])
        second = Linear(from: sizes[1], to: sizes[2])
        output = Linear(from: sizes[2], to: sizes[3])
    }

    func callAsFunction(_ x: Tensor) -> Tensor { output(relu(second(relu(first(x))))) }
}

/// A device that runs nothing and counts.
func recording() -> (device: Device, backend: RecordingBackend) {
    let backend = RecordingBackend()
    return (Device(running: backend), backend)
}

extension RecordingBackend {
    /// The names of the steps launched, in order.
    var launches: [String] { recorded.launches.map(\.name) }
}

/// A folder that goes away with this object.
final class TemporaryFolder {
    private let folder: String

    init() throws {
        var template = Array("/tmp/soma-layers-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SomaError("no temporary folder") }
        folder = String(cString: made)
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    deinit {
        guard let listing = opendir(folder) else { return }
        while let entry = readdir(listing) {
            unlink(
                path(
                    withUnsafeBytes(of: &entry.pointee.d_name) {
                        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                    }))
        }
        closedir(listing)
        rmdir(folder)
    }
}
