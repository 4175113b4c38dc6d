import SomaBackend

extension OpenCLBackend: TunableBackend {
    public func tuningClass(of step: Step) -> String? { planner.subject(of: step).map { "\($0.stepClass)" } }

    public func candidates(for step: Step) -> [String] { planner.candidates(for: step).map(\.description) }

    public func prepare(_ step: Step, by choice: String) throws -> PreparedStep {
        guard let stepClass = planner.subject(of: step)?.stepClass, let choice = StepChoice(choice, for: stepClass.kind), choice.fits(planner.traits)
        else { throw BackendError.unsupported("\(choice) on \(device.name)") }
        var chosen = planner
        chosen.ways = try selfCheck?.ways(for: step, on: self) ?? [:]
        chosen.tuning[stepClass] = choice
        let prepared = try prepare(step, chosen)
        guard prepared.planner.traits == planner.traits else { throw BackendError.unsupported("\(choice) on \(device.name), whose kernel takes smaller work-groups") }
        prepared.isTrial = true
        return prepared
    }

    public func choice(of step: PreparedStep) -> ChoiceInUse? {
        guard let prepared = step as? OpenCLStep, let subject = planner.subject(of: prepared.step) else { return nil }
        let (planner, launches) = way(of: prepared)
        let choice = planner.choice(for: subject, allowsLibrary: launches.first is CLBlastLaunch)
        return ChoiceInUse(
            stepClass: "\(subject.stepClass)", choice: "\(choice)", isTuned: self.planner.tuning[subject.stepClass] == choice)
    }

    public var tuning: TuningRecord { TuningRecord(device: openCLDevice.identity, choices: planner.tuning.texts) }

    public func keep(_ changes: [String: String?]) throws -> String {
        let file = try tuningFile
        try file.change(changes)
        return file.path
    }

    public func checkKeeping() throws { try tuningFile.checkWriting() }

    private var tuningFile: TuningFile {
        get throws(TuningFailure) {
            guard let folder = tuningFolder, !folder.isEmpty else { throw TuningFailure(path: "", reason: TuningFile.whyNoFolder) }
            return TuningFile(for: openCLDevice, in: folder)
        }
    }

    /// What there is of choices for a device; `nil` where there is no file.
    public static func tuningState(of device: OpenCLDevice) -> TuningState? {
        guard let folder = TuningFile.standardFolder, !folder.isEmpty else { return nil }
        let file = TuningFile(for: device, in: folder)
        do throws(TuningFailure) {
            return try file.read().map { .used(path: file.path, count: $0.choices.count) }
        } catch {
            return .ignored(path: file.path, reason: error.reason)
        }
    }
}

extension Tuning {
    /// Choices as text.
    /// - Throws: for what is not understood or does not fit the device.
    init(_ texts: [String: String], for traits: DeviceTraits) throws(WholeFile.Failure) {
        self.init()
        for (stepClass, choice) in texts { try add("\(stepClass) \(choice)", for: traits) }
    }

    /// Choices that were in use on a device, to be used there again.
    /// - Throws: `TuningFailure` for what is not understood or does not fit the device.
    public init(_ record: TuningRecord, on device: OpenCLDevice) throws(TuningFailure) {
        do throws(WholeFile.Failure) {
            try self.init(record.choices, for: DeviceTraits(device))
        } catch {
            throw TuningFailure(path: "the choices of an earlier run", reason: error.reason)
        }
    }
}
