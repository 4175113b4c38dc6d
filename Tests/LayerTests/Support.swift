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
