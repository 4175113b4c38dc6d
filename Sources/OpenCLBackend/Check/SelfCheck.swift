import SomaBackend
import Synchronization

/// Compares the kernels of a device with plain loops on the processor, so that a driver which computes wrongly is noticed and done without: a
/// family by its first cases when it is first used, or all by all their cases when that is asked for.
///
/// Only wrong numbers are a verdict that is kept. Kernels that did not run, since they do not build or there is no memory, are told of as that, and
/// the next process tries them again. Where verdicts are not kept nothing is checked by itself, since each process would do so again.
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
            "\(backend.device.name) (\(backend.openCLDevice.identity)) computes wrongly by its kernels for \(family.rawValue) (\(fault)), "
                + "and by no others rightly: use another device or driver")
    }

    private func read(_ state: inout State) {
        guard !state.isRead else { return }
        state.isRead = true
        if let verdicts = file.read() { (state.verdicts, state.isTold) = (verdicts, true) }
    }

    private func check(_ family: KernelFamily, on backend: OpenCLBackend, _ cases: Cases, _ state: inout State) throws {
        if !state.isTold {
            say(
                "soma: \(backend.device.name) (\(backend.openCLDevice.identity)) is new here: "
                    + "its kernels are compared with the processor as they are first used")
        }
        state.isTold = true
        let verdict = try verdict(on: family, backend, cases, &state)
        state.verdicts.families[family] = verdict
        file.write(state.verdicts)
        guard !verdict.fault.isEmpty, let way = verdict.way else { return }
        let kernels = "soma: \(backend.device.name): the kernels for \(family.rawValue)", others = family.remedy(way, backend.planner)
        if verdict.faults.areWrong {
            say("\(kernels) compute wrongly (\(verdict.fault)); \(others) are used instead")
        } else if way == .own {
            say("\(kernels) could not be checked (\(verdict.fault)); they are used unchecked, and the next process tries again")
        } else {
            say("\(kernels) do not run (\(verdict.fault)); \(others) are used instead, and the next process tries again")
        }
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
            if !faults.isEmpty && !faults.areWrong { verdict.isLasting = false }
            if way == .own { verdict.add(faults, of: family[keyPath: cases].count) }
            guard faults.isEmpty else { continue }
            verdict.way = way
            // It is computed as the general family is, for as long as that.
            if way == .general, let general = family.general, state.verdicts.families[general]?.isLasting == false { verdict.isLasting = false }
            return verdict
        }
        // Nothing is known against them.
        if !verdict.faults.areWrong { verdict.way = .own }
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
                return KernelCheck(
                    kernels: family.rawValue, caseCount: family.cases.count, faults: verdict.faults.map(\.description), remedy: remedy)
            }
        }
    }
}

extension [CheckFault] {
    /// Whether any numbers were wrong.
    fileprivate var areWrong: Bool { contains { $0.kind == .wrongNumbers } }
}

extension KernelVerdicts.Verdict {
    /// Takes in what came of the family's own kernels: of all faults a wrong number is named first.
    fileprivate mutating func add(_ faults: [CheckFault], of count: Int) {
        self.faults = faults
        guard let worst = faults.first(where: { $0.kind == .wrongNumbers }) ?? faults.first else { return }
        fault = worst.description + (faults.count > 1 ? ", and \(faults.count - 1) more of \(count) cases" : "")
    }
}

extension KernelFamily {
    /// The cases that do not come out right some way, and why; `nil` where there is no such way.
    fileprivate func faults(in cases: [CheckCase], on backend: OpenCLBackend, _ planner: StepPlanner, by way: KernelWay) throws -> [CheckFault]? {
        guard planner.has(self), let planner = planner.reaching(self).taking(way, for: self) else { return nil }
        return try cases.compactMap { one in try one.fault(on: backend, planner).map { CheckFault($0.kind, "\(one.name): \($0)") } }
    }

    /// What takes the place of the family's own kernels.
    fileprivate func remedy(_ way: KernelWay, _ planner: StepPlanner) -> String {
        switch way {
        case .own: "they, unchecked"
        case .other: "those for \(planner.traits.isCPU ? "GPUs" : "processors")"
        case .general: "those for \(general?.rawValue ?? rawValue)"
        }
    }
}
