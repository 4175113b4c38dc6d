import SomaBackend
import SomaGraph

extension StepPlanner {
    /// See reduce_cpu.cl.
    func reduceOnCPU(_ nest: LoopNest) -> [LaunchPlan] {
        let isAcross = BodyStages(nest).stages.count == 1 && nest.isAcross
        let segments = segmentsOnCPU(nest, isAcross: isAcross)
        let plan = isAcross ? reduceAcross : reduceAlong
        guard segments > 1 else { return [plan(nest, 1, nil)] }
        let workspace = SegmentWorkspace(nest, segments: segments)
        var first = plan(nest, segments, workspace)
        first.workspaceBytes = workspace.byteCount
        let second = workspace.secondPass
        return [first, second.isAcross && BodyStages(second).stages.count == 1 ? reduceAcross(second, 1, nil) : reduceAlong(second, 1, nil)]
    }

    private static let placesAcross = 64

    /// Into how many parts the inner domain is cut so that every core has work.
    private func segmentsOnCPU(_ nest: LoopNest, isAcross: Bool) -> Int {
        guard BodyStages(nest).stages.count == 1, !nest.hasIndexReduction, nest.outerCount * nest.innerCount >= 1 << 16 else { return 1 }
        let last = nest.outer.last ?? 1
        let items = isAcross ? nest.outerCount / max(last, 1) * ceilDivide(last, Self.placesAcross) : nest.outerCount
        let wanted = ceilDivide(traits.computeUnits * 4, max(items, 1))
        return wanted > 1 ? max(1, min(wanted, nest.innerCount / 256)) : 1
    }

    private func reduceAlong(_ nest: LoopNest, _ segments: Int, _ workspace: SegmentWorkspace?) -> LaunchPlan {
        var parameters = KernelParameters(isWide: nest.isWide)
        let writer = BodyWriter(nest, width: 1, &parameters)
        let columns = nest.inner.last ?? 1
        let rows = columns == 0 ? 0 : nest.innerCount / columns
        // Rows are cut where there are several, else columns.
        let (rowParts, columnParts) = rows >= segments ? (segments, 1) : (1, segments)
        let block = max(1, min(ceilDivide(nest.outerCount, traits.computeUnits * 4), max(1, (1 << 20) / max(nest.innerCount, 1))))
        let numbers = [
            ("positions", nest.outerCount), ("block", block), ("rows", rows), ("columns", columns), ("column_parts", columnParts),
            ("row_segment", ceilDivide(rows, rowParts)), ("column_segment", ceilDivide(columns, columnParts)),
        ]
        for (name, value) in numbers { parameters.add(index: name, value) }
        var coordinates = digits(of: "outer", "i", extents: nest.outer, &parameters)
        coordinates += writer.positions(Array(writer.table.classes.indices), "o", nest.outer.indices.map { ($0, "i\($0)") })
        let innerRows = Array(nest.inner.dropLast())
        let rowDigits = innerRows.isEmpty ? [] : digits(of: "row", "j", extents: innerRows, &parameters)
        workspace?.declare(in: &parameters)

        var lines = writer.lines(writer.stages.prologue, positions: "o")
        for stage in writer.stages.stages {
            lines += walkAlong(stage, writer, rowDigits)
            if workspace == nil { lines += writer.lines(stage.outers, positions: "o") }
        }
        let stores = workspace?.stores(writer, segment: "get_global_id(1)", position: "outer")
        let kernel = KernelTemplate("reduce_cpu").filled("head") + KernelTemplate("reduce_cpu").filled("along", [
            "parameters": parameters.list,
            "uniforms": writer.uniforms,
            "coordinates": coordinates,
            "stages": lines,
            "stores": stores ?? writer.singleStores(writer.stages.outerStores, positions: "o"),
        ])
        return LaunchPlan(
            entry: "soma_reduce",
            source: source(
                isWide: nest.isWide, uses: files(for: nest.body), definitions: [("LANES", columns >= 256 ? "64" : "16")], kernel),
            arguments: parameters.arguments, global: [ceilDivide(nest.outerCount, block), segments], local: [1, 1])
    }

    private func walkAlong(_ stage: Stage, _ writer: BodyWriter, _ rowDigits: [String]) -> [String] {
        let (nest, template) = (writer.nest, KernelTemplate("reduce_cpu"))
        guard !stage.reductions.isEmpty || !stage.elementStores.isEmpty else { return [] }
        let classes = writer.classes(of: stage.elements, stores: stage.elementStores)
        let (outerRank, innerRank) = (nest.outer.count, nest.inner.count)
        let rowAxes = (0..<innerRank - 1).map { (axis: outerRank + $0, name: "j\($0)") }
        var elements = writer.positions(classes, "p", base: "r", [(outerRank + innerRank - 1, "column")])
        elements += writer.lines(stage.elements, positions: "p") + writer.elementStores(stage.elementStores, positions: "p")
        let partials = stage.reductions.map { Partial($0, nest.body) }
        for (reduction, partial) in zip(stage.reductions, partials) {
            let candidate = writer.value(nest.body.instructions[reduction].arguments[0], 0)
            elements += partial.combine("t\(reduction)[lane]", "u\(reduction)[lane]", candidate, "(int)(row * columns + column)")
        }
        let walk = template.filled("walk", [
            "coordinates": rowDigits + writer.positions(classes, "r", base: "o", rowAxes), "elements": elements,
        ])
        guard !partials.isEmpty else { return walk }
        let start = partials.flatMap { $0.storage("", "LANES") } + ["for (int lane = 0; lane < LANES; lane++) {"]
            + partials.flatMap { $0.initialise("lane") }.map { "    " + $0 } + ["}"]
        return start + walk + template.filled("tree", [
            "combine": partials.flatMap { $0.combineInMemory("lane", "other") }, "read": partials.map { $0.read("0") },
        ])
    }

    private func reduceAcross(_ nest: LoopNest, _ segments: Int, _ workspace: SegmentWorkspace?) -> LaunchPlan {
        var parameters = KernelParameters(isWide: nest.isWide)
        let writer = BodyWriter(nest, width: 1, &parameters)
        let columns = nest.outer.last ?? 1
        let rows = nest.outerCount / max(columns, 1)
        let numbers = [
            ("positions", nest.outerCount), ("outer_columns", columns), ("inner_count", nest.innerCount),
            ("segment", ceilDivide(nest.innerCount, segments)),
        ]
        for (name, value) in numbers { parameters.add(index: name, value) }
        let last = (axis: nest.outer.count - 1, name: "outer_column")
        let outerRows = Array(nest.outer.dropLast())
        let all = Array(writer.table.classes.indices)
        var coordinates = outerRows.isEmpty ? [] : digits(of: "outer_row", "i", extents: outerRows, &parameters)
        coordinates += writer.positions(all, "o", outerRows.indices.map { ($0, "i\($0)") })
        let axes = nest.inner.indices.map { (axis: $0 + nest.outer.count, name: "j\($0)") }
        let inner = digits(of: "i", "j", extents: nest.inner, &parameters) + writer.positions(all, "r", base: "o", axes)
        workspace?.declare(in: &parameters)

        let stages = writer.stages
        let stage = stages.stages[0]
        let partials = stage.reductions.map { Partial($0, nest.body) }
        let walked = (stages.prologue + stage.elements).sorted()
        var elements = writer.positions(writer.classes(of: walked, stores: stage.elementStores), "p", base: "r", [last])
        elements += writer.lines(walked, positions: "p") + writer.elementStores(stage.elementStores, positions: "p")
        for (reduction, partial) in zip(stage.reductions, partials) {
            let candidate = writer.value(nest.body.instructions[reduction].arguments[0], 0)
            elements += partial.combine("t\(reduction)[lane]", "u\(reduction)[lane]", candidate, "(int)i")
        }
        var stores = partials.map { $0.read("lane") }
        if let workspace {
            stores += workspace.stores(writer, segment: "get_global_id(2)", position: "outer_row * outer_columns + outer_column")
        } else {
            let once = (stages.prologue + stage.outers).sorted()
            stores = writer.positions(writer.classes(of: once, stores: stages.outerStores), "p", base: "o", [last]) + stores
            stores += writer.lines(once, positions: "p") + writer.singleStores(stages.outerStores, positions: "p")
        }
        let start = ["for (int lane = 0; lane < places; lane++) {"] + partials.flatMap { $0.initialise("lane") }.map { "    " + $0 } + ["}"]
        let kernel = KernelTemplate("reduce_cpu").filled("head") + KernelTemplate("reduce_cpu").filled("across", [
            "parameters": parameters.list,
            "uniforms": writer.uniforms,
            "coordinates": coordinates,
            "locals": partials.flatMap { $0.storage("", "PLACES") } + start,
            "inner": inner,
            "elements": elements,
            "stores": stores,
        ])
        return LaunchPlan(
            entry: "soma_reduce", source: source(isWide: nest.isWide, uses: files(for: nest.body), kernel), arguments: parameters.arguments,
            global: [ceilDivide(columns, Self.placesAcross), rows, segments], local: [1, 1, 1])
    }
}
