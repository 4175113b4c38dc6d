import SomaBackend
import SomaGraph

extension StepPlanner {
    /// See reduce_cpu.cl.
    func reduceOnCPU(_ nest: LoopNest, isSecondPass: Bool = false) -> [LaunchPlan] {
        let geometry = CPUReduceGeometry(nest, self, isSecondPass: isSecondPass)
        if geometry.segments == 1 || isSecondPass {
            var plan = CPUReduction(nest, self, geometry).plan
            if isSecondPass { plan.work = Step.reduce(nest).work }
            return [plan]
        }
        let workspace = SegmentWorkspace(nest, segments: geometry.segments)
        var first = CPUReduction(nest, self, geometry, workspace).plan
        first.workspaceBytes = workspace.byteCount
        return [first] + reduceOnCPU(workspace.secondPass, isSecondPass: true)
    }
}

/// One launch of reduce_cpu.cl.
private struct CPUReduction {
    private let nest: LoopNest
    private let planner: StepPlanner
    private let geometry: CPUReduceGeometry
    /// Where partial results go when the inner domain is cut into segments.
    private let workspace: SegmentWorkspace?
    /// Of the inner domain, that this launch walks.
    private let segments: Int
    private let writer: BodyWriter
    private var parameters: KernelParameters
    private let template = KernelTemplate("reduce_cpu")

    init(_ nest: LoopNest, _ planner: StepPlanner, _ geometry: CPUReduceGeometry, _ workspace: SegmentWorkspace? = nil) {
        (self.nest, self.planner, self.geometry, self.workspace, segments) = (nest, planner, geometry, workspace, workspace?.segments ?? 1)
        parameters = KernelParameters(isWide: nest.isWide)
        writer = BodyWriter(nest, width: 1, &parameters)
    }

    var plan: LaunchPlan {
        var launch = self
        return geometry.isAcross ? launch.across() : launch.along()
    }

    /// A reduction's partial results; those of long sums are chained.
    private func partials(_ stage: Stage) -> [Partial] {
        stage.reductions.map { Partial($0, nest.body, isLong: geometry.isLong) }
    }

    private func source(_ kernel: [String], definitions: [(String, String)] = []) -> String {
        planner.source(
            isWide: nest.isWide, uses: planner.files(for: nest.body), definitions: definitions, template.filled("head") + kernel)
    }

    /// What an element of the inner domain adds to the partial results of a lane.
    private func combinations(_ partials: [Partial], index: String) -> [String] {
        partials.flatMap { partial in
            let candidate = writer.value(nest.body.instructions[partial.number].arguments[0], 0)
            return partial.combine("\(partial.running("t"))[lane]", "u\(partial.number)[lane]", candidate, index)
        }
    }

    private func storage(_ partials: [Partial], count: String, used: String) -> [String] {
        let starts = partials.flatMap { $0.initialise("lane") }.map { "    " + $0 }
        return partials.flatMap { $0.storage("", count) } + ["for (int lane = 0; lane < \(used); lane++) {"] + starts + ["}"]
    }

    // MARK: Along

    private mutating func along() -> LaunchPlan {
        let block = addExtentsAlong()
        var coordinates = planner.digits(of: "outer", "i", extents: nest.outer, &parameters)
        coordinates += writer.positions(Array(writer.table.classes.indices), "o", nest.outer.indices.map { ($0, "i\($0)") })
        let innerRows = Array(nest.inner.dropLast())
        let rowDigits = innerRows.isEmpty ? [] : planner.digits(of: "row", "j", extents: innerRows, &parameters)
        workspace?.declare(in: &parameters)

        var lines = writer.lines(writer.stages.prologue, positions: "o")
        for stage in writer.stages.stages {
            lines += walkAlong(stage, rowDigits)
            if workspace == nil { lines += writer.lines(stage.outers, positions: "o") }
        }
        let stores = workspace?.stores(writer, segment: "get_global_id(1)", position: "outer")
        let kernel = template.filled("along", [
            "parameters": parameters.list, "uniforms": writer.uniforms, "coordinates": coordinates, "stages": lines,
            "stores": stores ?? writer.singleStores(writer.stages.outerStores, positions: "o"),
        ])
        return LaunchPlan(
            entry: "soma_reduce", source: source(kernel, definitions: [("LANES", "\(geometry.lanes)")]), arguments: parameters.arguments,
            global: [planner.ceilDivide(nest.outerCount, block), segments], local: [1, 1])
    }

    /// Declares how the domain is cut; gives the outer positions of a work-item.
    private mutating func addExtentsAlong() -> Int {
        let columns = nest.inner.last ?? 1
        let rows = columns == 0 ? 0 : nest.innerCount / columns
        // Rows are cut where there are several, else columns.
        let (rowParts, columnParts) = rows >= segments ? (segments, 1) : (1, segments)
        let block = geometry.places
        let numbers = [
            ("positions", nest.outerCount), ("block", block), ("rows", rows), ("columns", columns), ("column_parts", columnParts),
            ("row_segment", planner.ceilDivide(rows, rowParts)), ("column_segment", planner.ceilDivide(columns, columnParts)),
        ]
        for (name, value) in numbers { parameters.add(index: name, value) }
        return block
    }

    private func walkAlong(_ stage: Stage, _ rowDigits: [String]) -> [String] {
        guard !stage.reductions.isEmpty || !stage.elementStores.isEmpty else { return [] }
        let classes = writer.classes(of: stage.elements, stores: stage.elementStores)
        let (outerRank, innerRank) = (nest.outer.count, nest.inner.count)
        let rowAxes = (0..<innerRank - 1).map { (axis: outerRank + $0, name: "j\($0)") }
        let partials = partials(stage)
        var elements = writer.positions(classes, "p", base: "r", [(outerRank + innerRank - 1, "column")])
        elements += writer.lines(stage.elements, positions: "p") + writer.elementStores(stage.elementStores, positions: "p")
        elements += combinations(partials, index: "(int)(row * columns + column)")
        let fold = partials.flatMap { $0.fold("t", "[lane]") }
        let walk = template.filled(fold.isEmpty ? "walk" : "chains", [
            "coordinates": rowDigits + writer.positions(classes, "r", base: "o", rowAxes), "elements": elements, "fold": fold,
        ])
        guard !partials.isEmpty else { return walk }
        return storage(partials, count: "LANES", used: "LANES") + walk + template.filled("tree", [
            "combine": partials.flatMap { $0.combineInMemory("lane", "other") }, "read": partials.map { $0.read("0") },
        ])
    }

    // MARK: Across

    private mutating func across() -> LaunchPlan {
        let (columns, rows) = addExtentsAcross()
        let outerRows = Array(nest.outer.dropLast())
        let all = Array(writer.table.classes.indices)
        var coordinates = outerRows.isEmpty ? [] : planner.digits(of: "outer_row", "i", extents: outerRows, &parameters)
        coordinates += writer.positions(all, "o", outerRows.indices.map { ($0, "i\($0)") })
        let axes = nest.inner.indices.map { (axis: $0 + nest.outer.count, name: "j\($0)") }
        let inner = planner.digits(of: "i", "j", extents: nest.inner, &parameters) + writer.positions(all, "r", base: "o", axes)
        workspace?.declare(in: &parameters)

        let partials = partials(writer.stages.stages[0])
        let fold = partials.flatMap { $0.fold("t", "[lane]") }
        let walk = template.filled(fold.isEmpty ? "walk across" : "chains across", [
            "inner": inner, "elements": elementsAcross(partials), "fold": fold,
        ])
        let kernel = template.filled("across", [
            "parameters": parameters.list, "uniforms": writer.uniforms, "coordinates": coordinates,
            "locals": storage(partials, count: "PLACES", used: "places"), "walk": walk, "stores": storesAcross(partials),
        ])
        return LaunchPlan(
            entry: "soma_reduce", source: source(kernel, definitions: [("PLACES", "\(geometry.places)")]), arguments: parameters.arguments,
            global: [planner.ceilDivide(columns, geometry.places), rows, segments], local: [1, 1, 1])
    }

    private mutating func addExtentsAcross() -> (columns: Int, rows: Int) {
        let columns = nest.outer.last ?? 1
        let numbers = [
            ("positions", nest.outerCount), ("outer_columns", columns), ("inner_count", nest.innerCount),
            ("segment", planner.ceilDivide(nest.innerCount, segments)),
        ]
        for (name, value) in numbers { parameters.add(index: name, value) }
        return (columns, nest.outerCount / max(columns, 1))
    }

    /// The last outer axis, along which neighbours lie.
    private var lastAxis: (axis: Int, name: String) { (nest.outer.count - 1, "outer_column") }

    private func elementsAcross(_ partials: [Partial]) -> [String] {
        let (stages, stage) = (writer.stages, writer.stages.stages[0])
        let walked = (stages.prologue + stage.elements).sorted()
        return writer.positions(writer.classes(of: walked, stores: stage.elementStores), "p", base: "r", [lastAxis])
            + writer.lines(walked, positions: "p") + writer.elementStores(stage.elementStores, positions: "p")
            + combinations(partials, index: "(int)i")
    }

    private func storesAcross(_ partials: [Partial]) -> [String] {
        let (stages, results) = (writer.stages, partials.map { $0.read("lane") })
        if let workspace {
            let position = "outer_row * outer_columns + outer_column"
            return results + workspace.stores(writer, segment: "get_global_id(2)", position: position)
        }
        let once = (stages.prologue + stages.stages[0].outers).sorted()
        return writer.positions(writer.classes(of: once, stores: stages.outerStores), "p", base: "o", [lastAxis]) + results
            + writer.lines(once, positions: "p") + writer.singleStores(stages.outerStores, positions: "p")
    }
}
