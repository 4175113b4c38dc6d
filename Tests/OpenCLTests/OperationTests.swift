import Foundation
import Soma
import SomaReference
import Testing

/// Every operation case, with its gradients, through the kernels for processors and those for GPUs.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct OperationTests {
    @Test(.timeLimit(.minutes(30)), arguments: KernelKind.allCases)
    func agreesWithTheReference(_ kind: KernelKind) throws {
        let device = try sharedDevice(kind)
        var failed = 0
        for operation in cases {
            let difference: String?
            do { difference = try operation.firstDifference(on: device) } catch { difference = "\(error)" }
            if difference != nil { failed += 1 }
            #expect(difference == nil, "\(operation.name)")
        }
        print("OpenCL, \(kind) kernels: \(cases.count) operation cases, \(failed) failed, \(OperationCase.all.count - cases.count) skipped")
        #expect(!cases.isEmpty)
    }

    /// All, or those whose name contains `SOMA_TEST_CASES`.
    private var cases: [OperationCase] {
        guard let part = ProcessInfo.processInfo.environment["SOMA_TEST_CASES"] else { return OperationCase.all }
        return OperationCase.all.filter { $0.name.contains(part) }
    }
}
