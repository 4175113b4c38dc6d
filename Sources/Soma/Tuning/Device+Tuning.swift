import SomaBackend

extension Device {
    /// The choices of how to compute that are in use, and what they were measured on; `nil` for a device that leaves no choice.
    public var tuning: TuningRecord? { tunable?.tuning }

    /// What there is of choices that were measured earlier on the device called `name`; `nil` where there is nothing.
    public static func tuningState(of name: String) -> TuningState? { DeviceManager.tuningState(of: name) }

    /// Has the device that choices were measured on use them, in place of those kept for it, if it starts from now on.
    public static func useTuning(_ record: TuningRecord?) { DeviceManager.tuningRecord = record }

    /// Keeps choices by class for later starts of this device, beside those of other classes; `nil` forgets one.
    /// - Returns: the file.
    /// - Throws: `SomaError` where they cannot be kept.
    package func keepTuning(_ changes: [String: String?]) throws -> String { try telling { try $0.keep(changes) } }

    /// - Throws: `SomaError` where choices could not be kept.
    package func checkKeepingTuning() throws { try telling { try $0.checkKeeping() } }

    /// The backend that leaves choices: behind a profile, the one that is watched.
    var tunable: (any TunableBackend)? {
        let backend = executor.backend
        return ((backend as? ProfilingBackend)?.base ?? backend) as? any TunableBackend
    }

    private func telling<Result>(_ body: (any TunableBackend) throws -> Result) throws -> Result {
        do {
            return try body(try requireTunable())
        } catch let failure as TuningFailure {
            if failure.path.isEmpty { throw SomaError("choices would be kept nowhere: \(failure)", hint: "let SOMA_TUNING name a folder") }
            throw SomaError("cannot keep choices in \(failure)", hint: "SOMA_TUNING can name another folder")
        }
    }

    func requireTunable() throws -> any TunableBackend {
        guard let tunable else { throw SomaError("\(self) has nothing to tune", hint: "name an OpenCL device") }
        return tunable
    }
}
