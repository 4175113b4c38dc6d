import CLibraries
import Foundation
import SomaBackend
import SomaReference
import Synchronization
import Testing

@testable import OpenCLBackend

/// A device that computes wrongly is noticed, named and done without.
@Suite(.enabled(if: testDevice != nil, "no OpenCL device")) struct SelfCheckTests {
    /// What was said on standard error.
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
        var text: [String] { all.withLock { $0 } }
    }

    /// Every case is right by the interpreter in double precision too, so that no device is blamed for a mistake of the check.
    @Test func casesAgreeWithTheReference() throws {
        var count = 0
        for family in KernelFamily.allCases {
            #expect(!family.cases.isEmpty)
            for one in family.cases {
                let outputs = try result(of: one.step, on: InterpretingBackend(), one.memory.map(\.bytes), scalars: one.scalars)
                for (slot, wanted) in one.expected {
                    let difference = CheckArray(bytes: outputs[slot], wanted.dtype).firstDifference(from: wanted, tolerance: one.tolerance / 2)
                    #expect(difference == nil, "\(family.rawValue), \(one.name)")
                }
                count += 1
            }
        }
        #expect(count >= 36)
    }

    /// The names of the kernels that do a family's work.
    private static func entries(of family: KernelFamily) -> [String] {
        switch family {
        case .map: ["soma_map"]
        case .reduce: ["soma_reduce"]
        case .row: ["soma_row", "soma_reduce"]
        case .matmul: ["soma_matmul"]
        case .convolution: ["soma_convolution"]
        case .depthwise: ["soma_depthwise", "soma_depthwise_filter"]
        case .winograd: ["soma_winograd_result"]
        case .pooling: ["soma_pooling"]
        case .attention: ["soma_attention", "soma_attention_query", "soma_attention_key"]
        case .gather: ["soma_gather"]
        case .scatterAdd: ["soma_scatter_add"]
        case .blockCopy: ["soma_block_copy"]
        }
    }

    /// The kernels that each family's cases are launched as are those of the family.
    @Test(arguments: KernelKind.allCases) func casesReachTheirKernels(_ kind: KernelKind) throws {
        let planner = StepPlanner(
            traits: DeviceTraits(isCPU: kind == .cpu, computeUnits: 4, maximumWorkGroupSize: 256, localMemoryBytes: 32 << 10))
        for family in KernelFamily.allCases where planner.has(family) {
            let own = planner.reaching(family)
            func reached(_ cases: [CheckCase]) throws -> Set<String> {
                Set(try cases.flatMap { try own.launches($0.step).map(\.entry) }).intersection(Self.entries(of: family))
            }
            // Those of a first use leave no kernel out.
            #expect(try reached(family.firstCases) == reached(family.cases), "\(family.rawValue)")
            for one in family.cases {
                #expect(own.family(of: one.step) == family, "\(one.name)")
                #expect(try own.launches(one.step).contains { Self.entries(of: family).contains($0.entry) }, "\(one.name)")
                for way in [KernelWay.other, .general] {
                    guard let other = own.taking(way, for: family) else { continue }
                    #expect(try other.launches(one.step).map(\.source) != own.launches(one.step).map(\.source), "\(one.name) by \(way)")
                }
            }
        }
    }

    @Test(.timeLimit(.minutes(60)), arguments: KernelKind.allCases) func aRightDeviceIsFoundRight(_ kind: KernelKind) throws {
        let backend = try makeBackend(kind)
        let start = ContinuousClock.now
        let checks = try backend.checkKernels()
        print("OpenCL, \(kind) kernels: \(checks.map(\.caseCount).reduce(0, +)) cases checked in \(ContinuousClock.now - start)")
        #expect(checks.count == KernelFamily.allCases.count - (kind == .cpu ? 1 : 0))
        for check in checks { #expect(check.faults.isEmpty && check.remedy == nil, "\(check.kernels)") }
    }

    /// What a broken compiler could make of each kind of kernels: doubled sums, lost parts, other places.
    private static let faults: [(kind: KernelKind, family: KernelFamily, text: String, broken: String, way: KernelWay?)] = [
        (.cpu, .pooling, "result[chosen[window]] += row[window]", "result[chosen[window]] += 2.0f * row[window]", .other),
        (.gpu, .pooling, "value += g[window_y * pooled_width + window_x];", "value = g[window_y * pooled_width + window_x];", .other),
        (.gpu, .matmul, "const int row = row0 + QUAD_ROW(i / 4) + i % 4;", "const int row = row0 + QUAD_ROW(i / 4) + (i ^ 1) % 4;", .general),
        (.gpu, .depthwise, "if (item < distance) partial[item] += partial[item + distance];", "if (item < distance) partial[item] += partial[item];", .general),
        (.gpu, .winograd, "w += w_offset + (", "w += w_offset + 1 + (", .general),
        (.gpu, .attention, "total = total * factor + sum;", "total += sum;", .other),
        (.cpu, .attention, "product = is_seen ? of_score : 0.0f;", "product = of_score;", .other),
        (.gpu, .scatterAdd, "links[indices_count + j] = previous < 0;", "links[indices_count + j] = 1;", .other),
        (.cpu, .map, "#define soma_sqrt_float(x) sqrt(x)", "#define soma_sqrt_float(x) rsqrt(x)", nil),
    ]

    @Test(.timeLimit(.minutes(60)), arguments: faults.indices) func aWrongFamilyIsDoneWithout(_ number: Int) throws {
        let fault = Self.faults[number]
        let folder = try TemporaryFolder()
        let backend = try makeBackend(fault.kind) { options in
            options.miscompilation = { $0.replacingOccurrences(of: fault.text, with: fault.broken) }
            if fault.family == .winograd { options.usesWinograd = true }
        }
        let lines = Lines()
        let file = CheckFile(for: backend.openCLDevice, fault.kind, in: folder.path)
        let check = SelfCheck(file) { line in lines.all.withLock { $0.append(line) } }
        let step = try #require(fault.family.cases.first).step
        guard let way = fault.way else {
            #expect(throws: BackendError.self) { try check.ways(for: step, on: backend) }
            // The next process refuses the device when it starts.
            #expect(throws: BackendError.self) { try SelfCheck(file).refuseHopeless(backend) }
            return
        }
        let ways = try check.ways(for: step, on: backend)
        #expect(ways[fault.family] == way)
        #expect(lines.text.count == 2 && lines.text[0].contains("is new here") && lines.text[1].contains("the kernels for \(fault.family.rawValue) compute wrongly"))
        // By the other way the cases are right.
        var planner = backend.planner
        planner.ways = ways
        for one in fault.family.cases { #expect(try one.fault(on: backend, planner) == nil, "\(one.name)") }
        // The next process knows, and says nothing.
        let later = SelfCheck(file) { line in lines.all.withLock { $0.append(line) } }
        #expect(try later.ways(for: step, on: backend) == ways && lines.text.count == 2)
    }

    /// A family is checked when it is first used, and no other with it.
    @Test func familiesAreCheckedWhenTheyAreUsed() throws {
        let folder = try TemporaryFolder()
        let backend = try makeBackend(.gpu) { $0.cacheFolder = folder.path }
        let file = CheckFile(for: backend.openCLDevice, .gpu, in: folder.path)
        let check = SelfCheck(file) { _ in }
        let copy = try #require(KernelFamily.blockCopy.cases.first).step
        _ = try check.ways(for: copy, on: backend)
        #expect(try #require(file.read()).families.keys.map(\.rawValue) == ["block-copy"])
        // Its programs are not kept: nobody runs them again.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["checks"])
        // But where a step turns out to need one, as it does then.
        _ = try backend.prepare(copy)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".clbin") }.count == 1)
        // Another version of the kernels, another kind or another device begins anew.
        #expect(CheckFile(for: backend.openCLDevice, .cpu, in: folder.path).read() == nil)
    }

    /// Where nothing is kept nothing is checked by itself; what was asked for counts in that process.
    @Test func nothingIsCheckedThatCannotBeKept() throws {
        let backend = try makeBackend(.gpu) { options in
            let fault = "value += g[window_y * pooled_width + window_x];"
            options.miscompilation = { $0.replacingOccurrences(of: fault, with: fault + fault) }
        }
        let lines = Lines()
        let check = SelfCheck(CheckFile(for: backend.openCLDevice, .gpu, in: "")) { line in lines.all.withLock { $0.append(line) } }
        let step = try #require(KernelFamily.pooling.cases.first).step
        #expect(try check.ways(for: step, on: backend).isEmpty && lines.text.isEmpty)
        #expect(try check.check([.pooling], on: backend).map(\.remedy) == ["those for processors"])
        #expect(try check.ways(for: step, on: backend) == [.pooling: .other] && lines.text.count == 1)
    }

    @Test func verdictsSurviveTheirText() {
        var verdicts = KernelVerdicts()
        verdicts.families = [
            .map: .init(way: .own), .scatterAdd: .init(way: .other, fault: "element 3 is 4 and not 2"), .pooling: .init(way: nil, fault: "element 0 is 1 and not 2"),
        ]
        let text = verdicts.text(of: "a device")
        #expect(KernelVerdicts(text, of: "a device") == verdicts && KernelVerdicts(text, of: "another") == nil)
        for damaged in [String(text.dropLast(4)), text.replacingOccurrences(of: "scatter-add", with: "scatter"), ""] {
            #expect(KernelVerdicts(damaged, of: "a device") == nil)
        }
        #expect(KernelVerdicts(text.replacingOccurrences(of: "\n", with: "\r\n"), of: "a device") == verdicts)
        // What did not run is no verdict.
        verdicts.families[.gather] = .init(way: .other, fault: "it does not build: x", isLasting: false)
        #expect(verdicts.text(of: "a device") == text)
    }

    /// Kernels that do not build are told of as that and done without, in one process: no file says that they compute wrongly.
    @Test(.timeLimit(.minutes(10))) func whatDoesNotBuildIsTriedAgain() throws {
        let folder = try TemporaryFolder()
        let backend = try makeBackend(.gpu) { options in
            options.miscompilation = { $0.replacingOccurrences(of: "value += g[window_y * pooled_width + window_x];", with: "value += nothing;") }
        }
        let file = CheckFile(for: backend.openCLDevice, .gpu, in: folder.path)
        let step = try #require(KernelFamily.pooling.cases.first).step
        for _ in 0..<2 {
            let lines = Lines()
            let check = SelfCheck(file) { line in lines.all.withLock { $0.append(line) } }
            for _ in 0..<2 { #expect(try check.ways(for: step, on: backend) == [.pooling: .other]) }
            let told = lines.text.filter { !$0.contains("is new here") }
            #expect(told.count == 1 && told[0].contains("the kernels for pooling do not run") && told[0].contains("it does not build"), "\(lines.text)")
            #expect(try #require(file.read()).families.isEmpty)
        }
        let report = try #require(try SelfCheck(file, say: { _ in }).check([.pooling], on: backend).first)
        #expect(report.faults.contains { $0.contains("it does not build") } && report.remedy == "those for processors")
    }

    /// A lack of memory is no fault of the kernels.
    @Test func aLackOfMemoryIsNoVerdict() throws {
        let folder = try TemporaryFolder()
        let backend = try makeBackend(.gpu) { $0.memoryLimit = 1 }
        let (file, lines) = (CheckFile(for: backend.openCLDevice, .gpu, in: folder.path), Lines())
        let check = SelfCheck(file) { line in lines.all.withLock { $0.append(line) } }
        #expect(try check.ways(for: try #require(KernelFamily.blockCopy.cases.first).step, on: backend) == [.blockCopy: .own])
        #expect(lines.text.last?.contains("could not be checked") == true && lines.text.last?.contains("there is no memory for it") == true, "\(lines.text)")
        #expect(try #require(file.read()).families.isEmpty)
    }

    /// Kernels that compute wrongly are not used because no others run, and the next process looks whether these do by then.
    @Test(.timeLimit(.minutes(10))) func wrongKernelsAreRefusedWhereNoOthersRun() throws {
        let folder = try TemporaryFolder()
        let backend = try makeBackend(.gpu) { options in
            options.miscompilation = {
                $0.replacingOccurrences(of: "value += g[window_y * pooled_width + window_x];", with: "value = g[window_y * pooled_width + window_x];")
                    .replacingOccurrences(of: "result[chosen[window]] += row[window]", with: "nothing")
            }
        }
        let file = CheckFile(for: backend.openCLDevice, .gpu, in: folder.path)
        let step = try #require(KernelFamily.pooling.cases.first).step
        let check = SelfCheck(file, say: { _ in })
        for _ in 0..<2 { #expect(throws: BackendError.self) { try check.ways(for: step, on: backend) } }
        #expect(throws: Never.self) { try SelfCheck(file, say: { _ in }).refuseHopeless(backend) }
    }

    /// A product is not left to CLBlast where the compiler makes wrong kernels of its like, even if that was measured to be the fastest.
    @Test(.timeLimit(.minutes(10)), .enabled(if: libraries_clblast_table().pointee.search.found, "no CLBlast"), arguments: [true, false])
    func aWrongFamilyIsNotLeftToTheLibrary(_ isWrong: Bool) throws {
        let (folder, product, fault) = (try TemporaryFolder(), Product(m: 64, n: 48, k: 40, isPlain: true), Self.faults[2])
        let backend = try makeBackend(.gpu) { options in
            if isWrong { options.miscompilation = { $0.replacingOccurrences(of: fault.text, with: fault.broken) } }
            options.tuning?[product.step] = .clblast
            (options.isChecked, options.cacheFolder) = (true, folder.path)
        }
        let step = try #require(try backend.prepare(.matmul(product.step)) as? OpenCLStep)
        #expect(backend.way(of: step).launches.contains { $0 is CLBlastLaunch } == !isWrong)
        #expect(try product.firstDifference(on: backend) == nil)
    }

    /// An infinity is not near any number.
    @Test func infinitiesAndNaNAreCompared() {
        let numbers = [Double.infinity, -.infinity, .nan, 0, 1e30]
        for (place, wanted) in numbers.enumerated() {
            for (other, got) in numbers.enumerated() {
                let difference = CheckArray([got]).firstDifference(from: CheckArray([wanted]), tolerance: 1e-5)
                #expect((difference == nil) == (place == other), "\(got) and \(wanted)")
            }
        }
    }

    /// A compiler that takes NaN and infinities for numbers that do not occur is noticed.
    @Test(.timeLimit(.minutes(10)), arguments: [
        (KernelFamily.map, "return x != x ? (T)0 : ", "return "), (.map, "x >= ABOVE ? (T)HIGHEST", "x > ABOVE ? (T)HIGHEST"),
        (.reduce, "-INFINITY", "-FLT_MAX"), (.pooling, " value = next;", " value = SOMA_MAX(next, -FLT_MAX);"),
    ]) func extremesAreChecked(_ family: KernelFamily, _ text: String, _ broken: String) throws {
        let backend = try makeBackend(.gpu) { options in options.miscompilation = { $0.replacingOccurrences(of: text, with: broken) } }
        let planner = backend.planner.reaching(family)
        #expect(try family.firstCases.contains { try $0.fault(on: backend, planner)?.kind == .wrongNumbers })
    }
}
