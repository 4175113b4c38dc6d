/// Tells since when a device has had nothing to do, to a loop that runs ahead of it.
///
/// That loop often waits for data while the device is still busy with what it was given before; nothing is lost then. A
/// thread that waits for the device finds out.
final class IdleWatch: Sendable {
    private struct State {
        var asked = 0
        var answered = 0
        var idleSince = ContinuousClock.now
        var isClosed = false
    }

    private let state: Monitor<State>
    private let thread: WorkerThread

    init(_ device: Device) throws {
        let state = Monitor(State())
        self.state = state
        thread = try WorkerThread { Self.watch(device, state) }
    }

    deinit {
        state.change { $0.isClosed = true }
        thread.join()
    }

    private static func watch(_ device: Device, _ state: Monitor<State>) {
        while let question = next(state) {
            // Where the device fails, whoever uses it next is told.
            try? device.synchronize()
            state.change { ($0.answered, $0.idleSince) = (question, .now) }
        }
    }

    private static func next(_ state: Monitor<State>) -> Int? {
        state.wait { state -> Int?? in
            if state.isClosed { return .some(nil) }
            guard state.asked > state.answered else { return nil }
            return state.asked
        }
    }

    /// Begins to find out when the device is done with all it was given. The number is for `idleSince`.
    func ask() -> Int {
        state.change {
            $0.asked += 1
            return $0.asked
        }
    }

    /// When the device was found idle after this question; nil while it is busy.
    func idleSince(_ question: Int) -> ContinuousClock.Instant? {
        state.change { $0.answered >= question ? $0.idleSince : nil }
    }
}
