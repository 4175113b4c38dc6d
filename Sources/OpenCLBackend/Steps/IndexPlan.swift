import SomaBackend
import SomaGraph

/// Gather, scatter-add, block copies and users' kernels.
extension StepPlanner {
    /// See gather.cl.
    func gather(_ step: GatherStep) -> LaunchPlan {
        let elements = step.outer * step.count * step.inner
        var parameters = KernelParameters(isWide: Self.isWide(elements, step.outer * step.extent * step.inner, step.extent, step.count))
        parameters.add(step.input, "x", isConstant: true)
        parameters.add(step.indices, "indices", isConstant: true)
        parameters.add(step.output, "y", isConstant: false)
        addCounts(extent: step.extent, count: step.count, &parameters)
        parameters.add(index: "inner", step.inner)
        parameters.add(index: "elements", elements)
        let (global, local) = line(of: elements)
        return LaunchPlan(
            entry: "soma_gather", source: indexSource(step.input.dtype, parameters), arguments: parameters.arguments, global: global, local: local)
    }

    /// - Throws: `BackendError.unsupported` where links between indices do not fit 32 bits.
    func scatterAdd(_ step: ScatterAddStep) throws -> [LaunchPlan] {
        let elements = step.outer * step.count * step.inner
        if elements == 0 { return [] }
        if Self.isWide(step.count) { throw BackendError.unsupported("a scatter-add by \(step.count) indices") }
        let isWide = Self.isWide(elements, step.outer * step.extent * step.inner, 2 * step.count)
        let heads = traits.isCPU ? step.extent : 0
        var link = KernelParameters(isWide: isWide)
        link.add(step.indices, "indices", isConstant: true)
        link.add("global int *links", .workspace)
        addCounts(extent: step.extent, count: step.count, &link)
        var add = KernelParameters(isWide: isWide)
        add.add(step.indices, "indices", isConstant: true)
        add.add(step.updates, "updates", isConstant: true)
        add.add(step.target, "target", isConstant: false)
        add.add("global const int *links", .workspace)
        addCounts(extent: step.extent, count: step.count, &add)
        add.add(index: "inner", step.inner)
        add.add(index: "elements", elements)
        let source = indexSource(step.target.dtype, add)
        let (linkShape, addShape) = (traits.isCPU ? ([1], [1]) : line(of: step.count), line(of: elements))
        let bytes = (2 * step.count + heads) * 4
        return [
            LaunchPlan(
                entry: traits.isCPU ? "soma_link_serially" : "soma_link", source: source, arguments: link.arguments, global: linkShape.0,
                local: linkShape.1, workspaceBytes: bytes,
                work: Work(bytesRead: Double(step.count * step.indices.dtype.byteCount), bytesWritten: Double(bytes))),
            LaunchPlan(
                entry: "soma_scatter_add", source: source, arguments: add.arguments, global: addShape.global, local: addShape.local,
                workspaceBytes: bytes),
        ]
    }

    private static func isWide(_ counts: Int...) -> Bool { counts.contains { $0 > Int(Int32.max) - (1 << 20) } }

    private func addCounts(extent: Int, count: Int, _ parameters: inout KernelParameters) {
        parameters.add(index: "extent", extent)
        parameters.add(index: "indices_count", count)
    }

    private func indexSource(_ dtype: DType, _ parameters: KernelParameters) -> String {
        let sum = BinaryFunction.add.text("(a)", "(b)", dtype == .bool ? .uint8 : dtype)
        let definitions = [("TYPE", dtype.memoryType), ("FILL", dtype.isFloatingPoint ? "NAN" : "0"), ("ADD(a, b)", sum)]
        return source(isWide: parameters.isWide, definitions: definitions, KernelTemplate("gather").filled())
    }

    /// See copy.cl.
    func blockCopy(_ step: BlockCopyStep) -> LaunchPlan {
        let extents = step.extents.isEmpty ? [1] : step.extents
        let count = extents.reduce(1, *)
        var table = AccessTable()
        let (from, to) = (table.insert(step.source.access), table.insert(step.target.access))
        let reach = zip(step.limits, step.startStrides).reduce(table.reach(over: extents)) { $0 + $1.0 * abs($1.1) }
        var parameters = KernelParameters(isWide: Self.isWide(count, reach))
        parameters.add(step.source, "x", isConstant: true)
        parameters.add(step.target, "y", isConstant: false)
        parameters.add(step.starts, "starts", isConstant: true)
        parameters.add(index: "count", count)
        table.declare(in: &parameters)
        let coordinates = digits(of: "item", "i", extents: extents, &parameters)
        let spacing = step.starts.access.strides.last ?? 1
        var starts = ["starts += starts_offset;"]
        for axis in step.limits.indices {
            parameters.add(int: "limit\(axis)", min(step.limits[axis], Int(Int32.max)))
            parameters.add(index: "start_stride\(axis)", step.startStrides[axis])
            starts.append("start += (soma_index)clamp(starts[\(axis * spacing)], 0, limit\(axis)) * start_stride\(axis);")
        }
        let axes = step.extents.indices.map { (axis: $0, name: "i\($0)") }
        let place = { (number: Int, name: String) in "\(name)[\(name)_offset + \(table.position(number, axes) ?? "0")]" }
        let lines = KernelTemplate("copy").filled("head", [
            "parameters": parameters.list, "coordinates": coordinates, "starts": starts, "elements": ["\(place(to, "y")) = \(place(from, "x"));"],
        ])
        let definitions = [("TYPE", step.source.dtype.memoryType), ("MOVES_SOURCE", step.movesSource ? "1" : "0")]
        let (global, local) = line(of: count)
        return LaunchPlan(
            entry: "soma_block_copy", source: source(isWide: parameters.isWide, definitions: definitions, lines), arguments: parameters.arguments,
            global: global, local: local)
    }

    /// A user's function, called at each work-item with pointers to its operands.
    func custom(_ step: CustomStep) throws -> LaunchPlan {
        guard let kernel = step.operation as? CustomKernel else {
            throw BackendError.unsupported("the custom operation \(step.operation.name) on an OpenCL device: it is no CustomKernel")
        }
        let launch = kernel.geometry(step.inputShapes, step.outputShape)
        var parameters = KernelParameters(isWide: false)
        for (number, input) in step.inputs.enumerated() { parameters.add(input, "x\(number)", isConstant: true) }
        parameters.add(step.output, "y", isConstant: false)
        var values = step.inputs.indices.map { "x\($0) + x\($0)_offset" } + ["y + y_offset"]
        for (number, argument) in launch.arguments.enumerated() {
            parameters.add("const \(argument.dtype.memoryType) s\(number)", .constant(argument))
            values.append("s\(number)")
        }
        let wrapper = ["kernel void soma_custom("] + parameters.list.map { "    " + $0 } + [") {", "    \(kernel.name)(\(values.joined(separator: ", ")));", "}"]
        return LaunchPlan(
            entry: "soma_custom", source: ([kernel.source] + wrapper).joined(separator: "\n") + "\n", arguments: parameters.arguments,
            global: launch.global, local: launch.local)
    }
}
