import Foundation
import Soma
import SomaReference
import Testing

@testable import OpenCLBackend

/// Every operation case, with its gradients, through the kernels for processors or those for GPUs, and many through both.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device"))
struct OperationTests {
    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases)
    func agreesWithTheReference(_ kind: KernelKind) async throws {
        let (device, cases) = (try sharedDevice(kind), cases(kind))
        var (failed, done) = (0, 0)
        for operation in cases {
            // Compiling takes minutes where nothing is cached: the tests beside this one, whose time is bounded, take turns with it.
            await Task.yield()
            let difference: String?
            do { difference = try operation.firstDifference(on: device) } catch { difference = "\(error)" }
            if difference != nil { failed += 1 }
            done += 1
            // scripts/test ends a process of which nothing is heard.
            if done % 25 == 0 { FileHandle.standardError.write(Data("OpenCL, \(kind) kernels: \(done) of \(cases.count) operation cases\n".utf8)) }
            #expect(difference == nil, "\(operation.name)")
        }
        print("OpenCL, \(kind) kernels: \(cases.count) operation cases, \(failed) failed; \(OperationCase.all.count - cases.count) left to the other kind")
        #expect(!cases.isEmpty)
    }

    /// Cases of an operation, told by its first word, go in turns through the one kind of kernels and the other: PoCL compiles each for a quarter of
    /// a second or more. An only case and special numbers go through both. With `SOMA_TEST_CASES=all` all go through both, with `part 2 of 3` every
    /// third, beginning with the second; other words are the names of cases, with semicolons between them.
    private func cases(_ kind: KernelKind) -> [OperationCase] {
        let cases = wantedCases(kind)
        // With `SOMA_TEST_SHARE=2/3` this process runs the second of every three of them, and others the rest.
        let share = ProcessInfo.processInfo.environment["SOMA_TEST_SHARE"]?.split(separator: "/").compactMap { Int($0) } ?? [1, 1]
        guard share.count == 2, (1...share[1]).contains(share[0]) else { return cases }
        return cases.enumerated().filter { $0.offset % share[1] == share[0] - 1 }.map(\.element)
    }

    private func wantedCases(_ kind: KernelKind) -> [OperationCase] {
        let list = ProcessInfo.processInfo.environment["SOMA_TEST_CASES"]
        if list == "all" { return OperationCase.all }
        if let part = list?.wholeMatch(of: /part (\d+) of (\d+)/), let number = Int(part.1), let parts = Int(part.2), number > 0, number <= parts {
            return OperationCase.all.enumerated().filter { $0.offset % parts == number - 1 }.map(\.element)
        }
        if let names = list?.split(separator: ";").map(String.init) { return OperationCase.all.filter { names.contains($0.name) } }
        var counts: [Substring: Int] = [:]
        let groups = Dictionary(grouping: OperationCase.all, by: Self.operation)
        return OperationCase.all.filter { operation in
            let word = Self.operation(operation)
            let turn = counts[word, default: Int(Hash128(word.utf8).bytes[15])]
            counts[word] = turn + 1
            return groups[word]?.count == 1 || operation.name.hasSuffix("special numbers") || (turn % 2 == 0) == (kind == .cpu)
        }
    }

    private static func operation(_ operation: OperationCase) -> Substring { operation.name.prefix { $0.isLetter } }

    /// No case is left out by both kinds, and no operation by either.
    @Test func everyCaseIsTested() {
        let (all, parts) = (OperationCase.all, KernelKind.allCases.map(wantedCases))
        let both = Set(parts[0].map(\.name)).intersection(parts[1].map(\.name)).count
        print("OpenCL: \(both) of \(all.count) operation cases through both kinds of kernels")
        guard ProcessInfo.processInfo.environment["SOMA_TEST_CASES"] == nil else { return }
        #expect(Set(parts.joined().map(\.name)).count == all.count)
        for part in parts { #expect(Set(part.map(Self.operation)) == Set(all.map(Self.operation))) }
    }
}
