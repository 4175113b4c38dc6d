import Foundation
import Soma
import SomaReference
import Testing

@testable import OpenCLBackend

/// Every operation case, with its gradients, through the kernels for processors or those for GPUs, and many through both.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct OperationTests {
    @Test(.timeLimit(.minutes(30)), arguments: KernelKind.allCases)
    func agreesWithTheReference(_ kind: KernelKind) async throws {
        let (device, cases) = (try sharedDevice(kind), cases(kind))
        var failed = 0
        for operation in cases {
            // Compiling takes minutes where nothing is cached: the tests beside this one, whose time is bounded, take turns with it.
            await Task.yield()
            let difference: String?
            do { difference = try operation.firstDifference(on: device) } catch { difference = "\(error)" }
            if difference != nil { failed += 1 }
            #expect(difference == nil, "\(operation.name)")
        }
        print("OpenCL, \(kind) kernels: \(cases.count) operation cases, \(failed) failed; \(OperationCase.all.count - cases.count) left to the other kind")
        #expect(!cases.isEmpty)
    }

    /// The first case of every operation, told by its first word, and those with special numbers go through both kinds of kernels; of the others a
    /// half that looks random goes through the one and the rest through the other: PoCL compiles each for a quarter of a second or more. With
    /// `SOMA_TEST_CASES=all` all go through both; other words are the names of cases, with semicolons between them.
    private func cases(_ kind: KernelKind) -> [OperationCase] {
        let list = ProcessInfo.processInfo.environment["SOMA_TEST_CASES"]
        if let list, list != "all" {
            let names = list.split(separator: ";").map(String.init)
            return OperationCase.all.filter { names.contains($0.name) }
        }
        var operations: Set<Substring> = []
        return OperationCase.all.filter { operation in
            let isFirst = operations.insert(operation.name.prefix { $0.isLetter }).inserted
            let coin = Hash128(operation.name.utf8).bytes.reduce(0, ^) % 2
            return list == "all" || isFirst || operation.name.hasSuffix("special numbers") || (coin == 0) == (kind == .cpu)
        }
    }

    /// No case is left out by both kinds.
    @Test func everyCaseIsTested() {
        let names = KernelKind.allCases.map { Set(cases($0).map(\.name)) }
        let both = names[0].intersection(names[1]).count
        print("OpenCL: \(both) of \(OperationCase.all.count) operation cases through both kinds of kernels")
        guard ProcessInfo.processInfo.environment["SOMA_TEST_CASES"] == nil else { return }
        #expect(names[0].union(names[1]).count == OperationCase.all.count && both > 100)
    }
}
