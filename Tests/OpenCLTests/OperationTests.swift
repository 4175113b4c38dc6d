import Foundation
import Soma
import SomaReference
import Testing

/// Every operation case, with its gradients, through the kernels for processors and those for GPUs.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct OperationTests {
    @Test(.timeLimit(.minutes(30)), arguments: KernelKind.allCases)
    func agreesWithTheReference(_ kind: KernelKind) async throws {
        let device = try sharedDevice(kind)
        var failed = 0
        for operation in cases {
            // Compiling takes minutes where nothing is cached: the tests beside this one, whose time is bounded, take turns with it.
            await Task.yield()
            let difference: String?
            do { difference = try operation.firstDifference(on: device) } catch { difference = "\(error)" }
            if difference != nil { failed += 1 }
            #expect(difference == nil, "\(operation.name)")
        }
        print("OpenCL, \(kind) kernels: \(cases.count) operation cases, \(failed) failed, \(OperationCase.all.count - cases.count) skipped")
        #expect(!cases.isEmpty)
    }

    /// All, or those that `SOMA_TEST_CASES` names, with semicolons between them.
    private var cases: [OperationCase] {
        guard let list = ProcessInfo.processInfo.environment["SOMA_TEST_CASES"] else { return OperationCase.all }
        let names = list.split(separator: ";").map(String.init)
        return OperationCase.all.filter { names.contains($0.name) }
    }
}
