import SomaBackend
import SomaGraph

extension StepPlanner {
    /// Reductions with their elementwise neighbours, in one walk or several (reduce.cl, row.cl, reduce_cpu.cl).
    /// - Parameter isSecondPass: whether it reads the scratch memory, which it then may not write.
    func reduce(_ nest: LoopNest, isSecondPass: Bool = false) -> [LaunchPlan] {
        let nest = nest.padded
        return traits.isCPU ? reduceOnCPU(nest) : reduceOnGPU(nest, isSecondPass)
    }

    private func reduceOnGPU(_ nest: LoopNest, _ isSecondPass: Bool) -> [LaunchPlan] {
        let geometry = ReduceGeometry(nest, self, isSecondPass: isSecondPass)
        if geometry.segments == 1 { return [reduceOnGPU(nest, geometry, segments: nil)] }
        let workspace = SegmentWorkspace(nest, segments: geometry.segments)
        var first = reduceOnGPU(nest, geometry, segments: workspace)
        first.workspaceBytes = workspace.byteCount
        return [first] + reduceOnGPU(workspace.secondPass, true)
    }

    private func reduceOnGPU(_ nest: LoopNest, _ geometry: ReduceGeometry, segments: SegmentWorkspace?) -> LaunchPlan {
        var parameters = KernelParameters(isWide: nest.isWide)
        var writer = BodyWriter(nest, width: geometry.width, &parameters)
        parameters.add(index: "positions", nest.outerCount)
        parameters.add(index: "inner_count", nest.innerCount)
        if geometry.hold == 0 { parameters.add(index: "segment", ceilDivide(nest.innerCount, geometry.segments, to: geometry.lanes * geometry.width)) }
        let template = KernelTemplate(geometry.hold > 0 ? "row" : "reduce")
        let outerClasses = Array(writer.table.classes.indices)
        var coordinates = digits(of: "outer", "i", extents: nest.outer, &parameters)
        coordinates += writer.positions(outerClasses, "o", nest.outer.indices.map { ($0, "i\($0)") })
        let innerDigits = digits(of: "i", "j", extents: nest.inner, &parameters)
        segments?.declare(in: &parameters)

        let held = geometry.hold > 0 ? Self.heldLoads(writer.stages, nest.body) : []
        var lines = writer.lines(writer.stages.prologue, positions: "o")
        var seen = Set<Int>()
        for (number, stage) in writer.stages.stages.enumerated() {
            let loads = held.intersection(stage.elements)
            (writer.kept, writer.taken) = (loads.subtracting(seen), loads.intersection(seen))
            seen.formUnion(loads)
            lines += walk(number, writer, template, innerDigits)
            if segments == nil { lines += writer.lines(stage.outers, positions: "o") }
        }
        var stores: [String] = []
        let finals = segments.map { $0.stores(writer) } ?? writer.singleStores(writer.stages.outerStores, positions: "o")
        if !finals.isEmpty { stores = ["if (is_inside && lane == 0) {"] + finals.map { "    " + $0 } + ["}"] }
        let kernel = template.filled("head") + template.filled("kernel", [
            "parameters": parameters.list,
            "locals": Self.locals(writer) + writer.holders(held),
            "coordinates": coordinates,
            "uniforms": writer.uniforms,
            "stages": lines,
            "stores": stores,
        ])
        var definitions = [("LANES", "\(geometry.lanes)"), ("PLACES", "\(geometry.places)"), ("WIDTH", "\(geometry.width)")]
        definitions.append(geometry.hold > 0 ? ("HOLD", "\(geometry.hold)") : ("ACROSS", geometry.isAcross ? "1" : "0"))
        let items = geometry.lanes * geometry.places
        return LaunchPlan(
            entry: geometry.hold > 0 ? "soma_row" : "soma_reduce",
            source: source(isWide: nest.isWide, uses: files(for: nest.body), definitions: definitions, kernel),
            arguments: parameters.arguments, global: [ceilDivide(nest.outerCount, geometry.places) * items, geometry.segments],
            local: [items, 1])
    }

    /// One walk over the inner domain and the tree that completes its reductions.
    private func walk(_ number: Int, _ writer: BodyWriter, _ template: KernelTemplate, _ innerDigits: [String]) -> [String] {
        let (stage, body) = (writer.stages.stages[number], writer.nest.body)
        var result: [String] = []
        if !stage.reductions.isEmpty || !stage.elementStores.isEmpty {
            let axes = writer.nest.inner.indices.map { (axis: $0 + writer.nest.outer.count, name: "j\($0)") }
            var elements = innerDigits
            elements += writer.positions(writer.classes(of: stage.elements, stores: stage.elementStores), "p", base: "o", axes)
            elements += writer.lines(stage.elements, positions: "p")
            for reduction in stage.reductions {
                result += Partial(reduction, body).declaration
                let argument = body.instructions[reduction].arguments[0]
                for lane in 0..<writer.width {
                    elements += Partial(reduction, body).combine("a\(reduction)", "k\(reduction)", writer.value(argument, lane), "(int)i + \(lane)")
                }
            }
            let stores = writer.elementStores(stage.elementStores, positions: "p")
            if !stores.isEmpty { elements += ["if (is_inside) {"] + stores.map { "    " + $0 } + ["}"] }
            result += template.filled("walk", ["elements": elements])
        }
        let partials = stage.reductions.map { Partial($0, body) }
        guard !partials.isEmpty else { return result }
        return result + template.filled("tree", [
            "write": partials.flatMap { $0.write("item") },
            "combine": partials.flatMap { $0.combineInMemory("item", "other") },
            "read": partials.map { $0.read("item - lane * LANE_STRIDE") },
        ])
    }

    private static func locals(_ writer: BodyWriter) -> [String] {
        writer.stages.stages.flatMap(\.reductions).flatMap { Partial($0, writer.nest.body).storage("local ", "LANES * PLACES") }
    }

    /// Loads of element level that more than one walk needs.
    private static func heldLoads(_ stages: BodyStages, _ body: Body) -> Set<Int> {
        var (once, twice) = (Set<Int>(), Set<Int>())
        for stage in stages.stages {
            for i in stage.elements {
                guard case .load = body.instructions[i].operation else { continue }
                if !once.insert(i).inserted { twice.insert(i) }
            }
        }
        return twice
    }

    func ceilDivide(_ a: Int, _ b: Int, to multiple: Int) -> Int { max(1, ceilDivide(ceilDivide(a, b), multiple)) * multiple }
}

/// The text of a partial result: an accumulator `an` (and for argmax and argmin the index `kn` beside it) that becomes the value `vn`.
struct Partial {
    let number: Int
    let operation: ReduceOperation
    /// The type of what is reduced.
    let argument: DType
    let result: DType

    init(_ reduction: Int, _ body: Body) {
        guard case .reduce(let operation, let argument) = body.instructions[reduction].operation else {
            programError("OpenCL", "instruction \(reduction) is no reduction")
        }
        (number, self.operation) = (reduction, operation)
        (self.argument, result) = (body.instructions[argument].dtype, body.instructions[reduction].dtype)
    }

    private var type: String { argument.valueType }

    var declaration: [String] {
        ["\(type) a\(number) = \(operation.identity(argument));"] + (operation.givesIndex ? ["int k\(number) = INT_MAX;"] : [])
    }

    /// Arrays of partial results, `tn` (and `un`).
    func storage(_ qualifier: String, _ count: String) -> [String] {
        ["\(qualifier)\(type) t\(number)[\(count)];"] + (operation.givesIndex ? ["\(qualifier)int u\(number)[\(count)];"] : [])
    }

    /// A candidate taken into a partial result.
    func combine(_ partial: String, _ partialIndex: String, _ candidate: String, _ index: String) -> [String] {
        guard operation.givesIndex else { return ["\(partial) = \(operation.combined(partial, candidate, argument));"] }
        let before = operation == .argmax ? ">" : "<"
        return [
            "if (SOMA_PRECEDES(\(candidate), \(index), \(partial), \(partialIndex), \(before))) {",
            "    \(partial) = \(candidate);", "    \(partialIndex) = \(index);", "}",
        ]
    }

    func combineInMemory(_ place: String, _ other: String) -> [String] {
        combine("t\(number)[\(place)]", "u\(number)[\(place)]", "t\(number)[\(other)]", "u\(number)[\(other)]")
    }

    func write(_ place: String) -> [String] {
        ["t\(number)[\(place)] = a\(number);"] + (operation.givesIndex ? ["u\(number)[\(place)] = k\(number);"] : [])
    }

    func initialise(_ place: String) -> [String] {
        ["t\(number)[\(place)] = \(operation.identity(argument));"] + (operation.givesIndex ? ["u\(number)[\(place)] = INT_MAX;"] : [])
    }

    func read(_ place: String) -> String {
        "const \(result.valueType) v\(number) = \(operation.givesIndex ? "u" : "t")\(number)[\(place)];"
    }
}
