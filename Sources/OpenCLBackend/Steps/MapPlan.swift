import SomaBackend
import SomaGraph

extension StepPlanner {
    /// A fused chain of elementwise operations (map.cl, map_cpu.cl).
    func map(_ nest: LoopNest) -> LaunchPlan { traits.isCPU ? mapOnCPU(nest.padded) : mapOnGPU(nest.padded) }

    /// How many pieces of work there are: positions, or where it can be vectors of four.
    func mapItems(_ nest: LoopNest) -> Int { !traits.isCPU && allowsVectors && nest.allowsVectors ? nest.outerCount / 4 : nest.outerCount }

    private func mapOnGPU(_ nest: LoopNest) -> LaunchPlan {
        let items = mapItems(nest)
        let width = items == nest.outerCount ? 1 : 4
        var parameters = KernelParameters(isWide: nest.isWide)
        let writer = BodyWriter(nest, width: width, &parameters)
        parameters.add(index: "count", items)
        let coordinates = digits(of: "item", "i", extents: nest.outer, width: width, &parameters)
        let axes = nest.outer.indices.map { (axis: $0, name: "i\($0)") }
        let lines = KernelTemplate("map").filled("head", [
            "parameters": parameters.list,
            "coordinates": coordinates,
            "uniforms": writer.uniforms,
            "elements": elements(writer, base: nil, axes),
        ])
        let shape = chosenShape(map: nest) ?? maps.shape(for: items, traits)
        // Where work-items compute several, the source says so; else it is that of every other map.
        let definitions = [("WIDTH", "\(width)")] + (shape.share > 1 ? [("SHARE", "\(shape.share)")] : [])
        return LaunchPlan(
            entry: "soma_map", source: source(isWide: nest.isWide, uses: files(for: nest.body), definitions: definitions, lines),
            arguments: parameters.arguments, global: [ceilDivide(items, shape.group * shape.share) * shape.group], local: [shape.group])
    }

    private func mapOnCPU(_ nest: LoopNest) -> LaunchPlan {
        var parameters = KernelParameters(isWide: nest.isWide)
        let writer = BodyWriter(nest, width: 1, &parameters)
        let columns = nest.outer.last ?? 1
        let rows = nest.outerCount / max(columns, 1)
        // Enough blocks to keep every core busy, none so small that launching it costs more than its work.
        let share = (chosenShape(map: nest) ?? maps.shape(for: nest.outerCount, traits)).share
        let columnBlock = columns > share ? (ceilDivide(columns, ceilDivide(columns, share)) + 15) / 16 * 16 : max(columns, 1)
        let rowBlock = columns > share ? 1 : max(1, share / max(columns, 1))
        parameters.add(index: "rows", rows)
        parameters.add(index: "columns", columns)
        parameters.add(index: "row_block", rowBlock)
        parameters.add(index: "column_block", columnBlock)
        let last = nest.outer.count - 1
        let outer = Array(nest.outer.dropLast())
        let all = Array(writer.table.classes.indices)
        var coordinates = outer.isEmpty ? [] : digits(of: "row", "i", extents: outer, &parameters)
        coordinates += writer.positions(all, "o", outer.indices.map { ($0, "i\($0)") })
        let lines = KernelTemplate("map_cpu").filled("head", [
            "parameters": parameters.list,
            "uniforms": writer.uniforms,
            "coordinates": coordinates,
            "elements": elements(writer, base: "o", [(last, "column")]),
        ])
        return LaunchPlan(
            entry: "soma_map", source: source(isWide: nest.isWide, uses: files(for: nest.body), lines), arguments: parameters.arguments,
            global: [ceilDivide(columns, columnBlock), ceilDivide(rows, rowBlock)], local: [1, 1])
    }

    /// All that a map does at one position.
    private func elements(_ writer: BodyWriter, base: String?, _ axes: [(axis: Int, name: String)]) -> [String] {
        let instructions = writer.nest.body.instructions.indices.filter { writer.stages.levels[$0] != .uniform }
        let stores = Array(writer.nest.body.stores.indices)
        return writer.positions(writer.classes(of: instructions, stores: stores), "p", base: base, axes)
            + writer.lines(instructions, positions: "p") + writer.elementStores(stores, positions: "p")
    }
}
