import SomaBackend
import SomaGraph

extension StepPlanner {
    /// Reductions with their elementwise neighbours, in one walk or several (reduce.cl, row.cl, reduce_cpu.cl).
    /// - Parameter isSecondPass: whether it reads the scratch memory, which it then may not write.
    func reduce(_ nest: LoopNest, isSecondPass: Bool = false) -> [LaunchPlan] {
        let nest = nest.padded
        return traits.isCPU ? reduceOnCPU(nest, isSecondPass: isSecondPass) : reduceOnGPU(nest, isSecondPass)
    }

    private func reduceOnGPU(_ nest: LoopNest, _ isSecondPass: Bool) -> [LaunchPlan] {
        let geometry = ReduceGeometry(nest, self, isSecondPass: isSecondPass)
        if geometry.segments == 1 {
            var plan = GPUReduction(nest, self, geometry).plan
            if isSecondPass { plan.work = Step.reduce(nest).work }
            return [plan]
        }
        let workspace = SegmentWorkspace(nest, segments: geometry.segments)
        var first = GPUReduction(nest, self, geometry, workspace).plan
        first.workspaceBytes = workspace.byteCount
        return [first] + reduceOnGPU(workspace.secondPass, true)
    }
}

/// One launch of reduce.cl or row.cl.
private struct GPUReduction {
    private let nest: LoopNest
    private let planner: StepPlanner
    private let geometry: ReduceGeometry
    /// Where partial results go when the inner domain is cut into segments.
    private let workspace: SegmentWorkspace?
    private var writer: BodyWriter
    private var parameters: KernelParameters
    private let template: KernelTemplate
    /// Elements of a segment, and loads that are kept in registers from walk to walk.
    private let segment: Int
    private let held: Set<Int>

    /// CHAIN of reduce.cl.
    private static let chain = 32

    init(_ nest: LoopNest, _ planner: StepPlanner, _ geometry: ReduceGeometry, _ workspace: SegmentWorkspace? = nil) {
        (self.nest, self.planner, self.geometry, self.workspace) = (nest, planner, geometry, workspace)
        parameters = KernelParameters(isWide: nest.isWide)
        writer = BodyWriter(nest, width: geometry.width, &parameters)
        template = KernelTemplate(geometry.hold > 0 ? "row" : "reduce")
        segment = planner.ceilDivide(nest.innerCount, geometry.segments, to: geometry.lanes * geometry.width)
        held = geometry.hold > 0 ? Self.heldLoads(writer.stages, nest.body) : []
    }

    var plan: LaunchPlan {
        var launch = self
        let kernel = launch.kernel()
        var definitions = [("LANES", "\(geometry.lanes)"), ("PLACES", "\(geometry.places)"), ("WIDTH", "\(geometry.width)")]
        definitions.append(geometry.hold > 0 ? ("HOLD", "\(geometry.hold)") : ("ACROSS", geometry.isAcross ? "1" : "0"))
        let items = geometry.lanes * geometry.places
        return LaunchPlan(
            entry: geometry.hold > 0 ? "soma_row" : "soma_reduce",
            source: planner.source(isWide: nest.isWide, uses: planner.files(for: nest.body), definitions: definitions, kernel),
            arguments: launch.parameters.arguments,
            global: [planner.ceilDivide(nest.outerCount, geometry.places) * items, geometry.segments], local: [items, 1])
    }

    private mutating func kernel() -> [String] {
        parameters.add(index: "positions", nest.outerCount)
        parameters.add(index: "inner_count", nest.innerCount)
        if geometry.hold == 0 { parameters.add(index: "segment", segment) }
        var coordinates = planner.digits(of: "outer", "i", extents: nest.outer, &parameters)
        coordinates += writer.positions(Array(writer.table.classes.indices), "o", nest.outer.indices.map { ($0, "i\($0)") })
        let innerDigits = planner.digits(of: "i", "j", extents: nest.inner, &parameters)
        workspace?.declare(in: &parameters)
        return template.filled("head") + template.filled("kernel", [
            "parameters": parameters.list,
            "locals": locals + writer.holders(held),
            "coordinates": coordinates,
            "uniforms": writer.uniforms,
            "stages": stages(innerDigits),
            "stores": stores,
        ])
    }

    private mutating func stages(_ innerDigits: [String]) -> [String] {
        var lines = writer.lines(writer.stages.prologue, positions: "o")
        var seen = Set<Int>()
        for stage in writer.stages.stages {
            let loads = held.intersection(stage.elements)
            (writer.kept, writer.taken) = (loads.subtracting(seen), loads.intersection(seen))
            seen.formUnion(loads)
            lines += walk(stage, innerDigits) + tree(partials(stage))
            if workspace == nil { lines += writer.lines(stage.outers, positions: "o") }
        }
        return lines
    }

    private var stores: [String] {
        let finals = workspace.map { $0.stores(writer) } ?? writer.singleStores(writer.stages.outerStores, positions: "o")
        return finals.isEmpty ? [] : ["if (is_inside && lane == 0) {"] + finals.map { "    " + $0 } + ["}"]
    }

    /// A reduction's partial results; those of long sums are chained.
    private func partials(_ stage: Stage) -> [Partial] {
        let isLong = geometry.hold == 0 && planner.ceilDivide(segment, geometry.lanes * geometry.width) > Self.chain
        return stage.reductions.map { Partial($0, nest.body, isLong: isLong) }
    }

    /// One walk over the inner domain.
    private func walk(_ stage: Stage, _ innerDigits: [String]) -> [String] {
        guard !stage.reductions.isEmpty || !stage.elementStores.isEmpty else { return [] }
        let partials = partials(stage)
        let axes = nest.inner.indices.map { (axis: $0 + nest.outer.count, name: "j\($0)") }
        var elements = innerDigits
        elements += writer.positions(writer.classes(of: stage.elements, stores: stage.elementStores), "p", base: "o", axes)
        elements += writer.lines(stage.elements, positions: "p")
        for partial in partials {
            let argument = nest.body.instructions[partial.number].arguments[0]
            for lane in 0..<writer.width {
                elements += partial.combine(partial.running("a"), "k\(partial.number)", writer.value(argument, lane), "(int)i + \(lane)")
            }
        }
        let stores = writer.elementStores(stage.elementStores, positions: "p")
        if !stores.isEmpty { elements += ["if (is_inside) {"] + stores.map { "    " + $0 } + ["}"] }
        let fold = partials.flatMap { $0.fold("a") }
        return partials.flatMap(\.declaration) + template.filled(fold.isEmpty ? "walk" : "chains", ["elements": elements, "fold": fold])
    }

    /// The tree that completes a walk's reductions.
    private func tree(_ partials: [Partial]) -> [String] {
        if partials.isEmpty { return [] }
        return template.filled("tree", [
            "write": partials.flatMap { $0.write("item") },
            "combine": partials.flatMap { $0.combineInMemory("item", "other") },
            "read": partials.map { $0.read("item - lane * LANE_STRIDE") },
        ])
    }

    private var locals: [String] {
        writer.stages.stages.flatMap(\.reductions).flatMap { Partial($0, nest.body).storage("local ", "LANES * PLACES") }
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
}

extension StepPlanner {
    func ceilDivide(_ a: Int, _ b: Int, to multiple: Int) -> Int { max(1, ceilDivide(ceilDivide(a, b), multiple)) * multiple }
}
