import SomaBackend
import Synchronization

/// Compares the kernels of a device with plain loops on the processor, so that a driver which computes wrongly is noticed and done without: a
/// family by its first cases when it is first used, or all by all their cases when that is asked for.
///
/// Where verdicts are not kept nothing is checked by itself, since each process would do so again.
final class SelfCheck: Sendable {
    private struct State {
        var verdicts = KernelVerdicts()
        var isRead = false
        var isTold = false
    }

    private typealias Cases = KeyPath<KernelFamily, [CheckCase]>

    private let file: CheckFile
    private let say: @Sendable (String) -> Void
    /// Held while a family is checked: others that want it wait for the verdict.
    private let state = Mutex(State())

    init(_ file: CheckFile, say: @escaping @Sendable (String) -> Void = complain) { (self.file, self.say) = (file, say) }

    /// How the families that compute a step are to be computed; those that were not are checked first, where verdicts are kept.
    /// - Throws: `BackendError.unsupported` where none computes rightly; what ends the device.
    func ways(for step: Step, on backend: OpenCLBackend) throws -> [KernelFamily: KernelWay] {
        try state.withLock { state in
            read(&state)
            var planner = backend.planner
            planner.ways = state.verdicts.ways
            while file.isKept, let family = planner.family(of: step), state.verdicts.families[family] == nil {
                try check(family, on: backend, \.firstCases, &state)
                planner.ways = state.verdicts.ways
            }
            if let (family, fault) = state.verdicts.hopeless { throw Self.refusal(of: backend, family, fault) }
            return state.verdicts.ways
        }
    }

    /// Finds out whether an earlier process found the device to be of no use.
    /// - Throws: `BackendError.unsupported`.
    func refuseHopeless(_ backend: OpenCLBackend) throws {
        try state.withLock { state in
            read(&state)
            if let (family, fault) = state.verdicts.hopeless { throw Self.refusal(of: backend, family, fault) }
        }
    }

    private static func refusal(of backend: OpenCLBackend, _ family: KernelFamily, _ fault: String) -> BackendError {
        .unsupported(
            "\(backend.device.name) (\(backend.openCLDevice.identity)) computes wrongly by every kernel there is for \(family.rawValue) (\(fault)): use another device or driver")
    }

    private func read(_ state: inout State) {
        guard !state.isRead else { return }
        state.isRead = true
        if let verdicts = file.read() { (state.verdicts, state.isTold) = (verdicts, true) }
    }

    private func check(_ family: KernelFamily, on backend: OpenCLBackend, _ cases: Cases, _ state: inout State) throws {
        if !state.isTold {
            say("soma: \(backend.device.name) (\(backend.openCLDevice.identity)) is new here: its kernels are compared with the processor as they are first used")
        }
        state.isTold = true
        let verdict = try verdict(on: family, backend, cases, &state)
        state.verdicts.families[family] = verdict
        file.write(state.verdicts)
        guard !verdict.fault.isEmpty, let way = verdict.way else { return }
        say("soma: \(backend.device.name): the kernels for \(family.rawValue) compute wrongly (\(verdict.fault)); \(family.remedy(way, backend.planner)) are used instead")
    }

    private func verdict(on family: KernelFamily, _ backend: OpenCLBackend, _ cases: Cases, _ state: inout State) throws -> KernelVerdicts.Verdict {
        var verdict = KernelVerdicts.Verdict()
        // What a processor has besides is as fast; what a GPU has is not.
        for way in backend.planner.traits.isCPU ? [KernelWay.own, .other, .general] : [.own, .general, .other] {
            var planner = backend.planner
            if way == .general, let general = family.general {
                if state.verdicts.families[general] == nil { try check(general, on: backend, cases, &state) }
                planner.ways = state.verdicts.ways
            }
            guard let faults = try family.faults(in: family[keyPath: cases], on: backend, planner, by: way) else { continue }
            if faults.isEmpty {
                verdict.way = way
                break
            }
            guard way == .own else { continue }
            verdict.faults = faults
            verdict.fault = faults[0] + (faults.count > 1 ? ", and \(faults.count - 1) more of \(family[keyPath: cases].count) cases" : "")
        }
        return verdict
    }

    // MARK: The long form

    /// Checks families anew by all their cases, and keeps what comes of it.
    func check(_ families: [KernelFamily] = KernelFamily.allCases, on backend: OpenCLBackend) throws -> [KernelCheck] {
        try state.withLock { state in
            state = State(isRead: true, isTold: true)
            let families = families.filter { backend.planner.has($0) }
            for family in families where state.verdicts.families[family] == nil { try check(family, on: backend, \.cases, &state) }
            return families.compactMap { family in
                guard let verdict = state.verdicts.families[family] else { return nil }
                let remedy = verdict.faults.isEmpty ? nil : verdict.way.map { family.remedy($0, backend.planner) }
                return KernelCheck(kernels: family.rawValue, caseCount: family.cases.count, faults: verdict.faults, remedy: remedy)
            }
        }
    }
}

extension KernelFamily {
    /// The cases that come out wrong some way, and how; `nil` where there is no such way.
    fileprivate func faults(in cases: [CheckCase], on backend: OpenCLBackend, _ planner: StepPlanner, by way: KernelWay) throws -> [String]? {
        guard planner.has(self), let planner = planner.reaching(self).taking(way, for: self) else { return nil }
        return try cases.compactMap { one in try one.firstDifference(on: backend, planner).map { "\(one.name): \($0)" } }
    }

    /// What takes the place of the family's own kernels.
    fileprivate func remedy(_ way: KernelWay, _ planner: StepPlanner) -> String {
        switch way {
        case .own: "they"
        case .other: "those for \(planner.traits.isCPU ? "GPUs" : "processors")"
        case .general: "those for \(general?.rawValue ?? rawValue)"
        }
    }
}
