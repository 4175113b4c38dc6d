import Soma
import SomaReference
import Synchronization

/// A layer whose parameters reflection cannot see.
final class Hidden: Layer {
    let inner: Mutex<Linear>
    init() { inner = Mutex(withDevice(Device(running: InterpretingBackend())) { Linear(from: 1, to: 1) }) }
    func callAsFunction(_ x: Tensor) -> Tensor { x }
}

/// A layer whose parameters lie behind a pointer.
struct Pointed: Layer, @unchecked Sendable {
    let inner: UnsafeMutablePointer<Linear>
    init() {
        inner = .allocate(capacity: 1)
        inner.initialize(to: withDevice(Device(running: InterpretingBackend())) { Linear(from: 1, to: 1) })
    }
    func callAsFunction(_ x: Tensor) -> Tensor { x }
}

/// A layer with two parameters of one name.
struct TwiceNamed: Layer, CustomReflectable {
    let a = withDevice(Device(running: InterpretingBackend())) { Linear(from: 1, to: 1) }
    var customMirror: Mirror { Mirror(self, children: ["x": a.weight, "x": a.bias as Any]) }
    func callAsFunction(_ x: Tensor) -> Tensor { x }
}
