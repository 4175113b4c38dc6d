import SomaBackend
import SomaGraph

extension StepPlanner {
    /// Whether a product is computed as a reduction, as it can always be.
    func isReduction(_ step: MatmulStep) -> Bool { step.isReduction || generalised.contains(.matmul) }

    /// A batch of products with their epilogue.
    func matmul(_ step: MatmulStep) -> [LaunchPlan] {
        if isReduction(step) { return reduce(step.asReduction) }
        let tile = if case .tile(let chosen) = choice(for: step) { chosen } else { shipped.tile(for: step, traits) }
        return traits.isCPU ? matmulOnCPU(step, tile) : matmulOnGPU(step, tile)
    }

    /// See matmul.cl.
    func matmulOnGPU(_ step: MatmulStep, _ tile: MatmulTile) -> [LaunchPlan] {
        let isWide = step.isWide
        var parameters = KernelParameters(isWide: isWide)
        let a = MatmulOperand(step.a, cross: (1, step.m), depth: (2, step.k), allowsVectors)
        let b = MatmulOperand(step.b, cross: (2, step.n), depth: (1, step.k), allowsVectors)
        a.declare("a", tileDepth: tile.k, in: &parameters)
        b.declare("b", tileDepth: tile.k, in: &parameters)
        let depth = ceilDivide(step.k, tile.segments, to: tile.k)
        let numbers = [("batches", step.batch), ("m", step.m), ("n", step.n), ("k", step.k), ("segment_depth", depth)]
        for (name, value) in numbers { parameters.add(int: name, value) }
        // Compilers other than NVIDIA's hold all in registers that is read in what is written out at once; that one has none to spare for
        // positions of 64 bits.
        var definitions = tile.definitions(unroll: !traits.isNVIDIA ? 4 : isWide ? 2 : tile.k) + [
            ("A_TRANSPOSED", a.depthIsContiguous ? "0" : "1"), ("B_TRANSPOSED", b.depthIsContiguous ? "1" : "0"),
            ("A_WIDTH", "\(a.width)"), ("B_WIDTH", "\(b.width)"),
        ]
        var fillings: [String: [String]] = [:]
        if tile.segments > 1 {
            parameters.add("global float *workspace", .workspace)
            definitions.append(("SEGMENTS", "1"))
        } else {
            let width = allowsVectors && step.nest.allowsVectors ? 4 : 1
            var writer = BodyWriter(step.nest, width: width, &parameters)
            writer.accumulator = { "SUM(i, q, j + \($0))" }
            fillings["uniforms"] = writer.uniforms
            fillings["elements"] = writer.epilogue(matmulAxes)
            definitions.append(("WIDTH", "\(width)"))
        }
        fillings["parameters"] = Array(parameters.list.dropFirst(MatmulOperand.parameterCount * 2 + numbers.count))
        let groups = ceilDivide(step.m, tile.m) * ceilDivide(step.n, tile.n) * step.batch * tile.segments
        let product = LaunchPlan(
            entry: "soma_matmul",
            source: source(
                isWide: isWide, uses: files(for: step.epilogue) + ["tile"], definitions: definitions, KernelTemplate("matmul").filled("head", fillings)),
            options: tile.items >= 256 && traits.isNVIDIA ? "-cl-nv-maxrregcount=128" : "",
            arguments: parameters.arguments, global: [groups * tile.items], local: [tile.items],
            workspaceBytes: tile.segments > 1 ? tile.segments * step.batch * step.m * step.n * 4 : 0)
        return tile.segments > 1 ? [product] + reduce(step.nest.sum(ofSegments: tile.segments).withoutSingleExtents, isSecondPass: true) : [product]
    }

    /// See matmul_cpu.cl.
    private func matmulOnCPU(_ step: MatmulStep, _ tile: MatmulTile) -> [LaunchPlan] {
        let (panelM, panelN, packDepth) = (tile.threadM, tile.threadN, tile.k)
        let (panelsM, panelsN) = (ceilDivide(step.m, panelM), ceilDivide(step.n, panelN))
        let aCount = step.batch * panelsM * panelM * step.k
        let bStart = (aCount + 63) / 64 * 64
        let bytes = (bStart + step.batch * panelsN * panelN * step.k) * 4
        let isWide = step.isWide
        let rowPanels = tile.m / panelM

        var parameters = KernelParameters(isWide: isWide)
        for (name, start) in [("a", 0), ("b", bStart)] {
            parameters.add("global const float *\(name)", .workspace)
            parameters.add("const long \(name)_offset", .long(start))
        }
        for (name, value) in [("m", step.m), ("n", step.n), ("k", step.k)] { parameters.add(int: name, value) }
        let fixed = parameters.declarations.count
        var writer = BodyWriter(step.nest, width: 1, &parameters)
        writer.accumulator = { _ in "sums[i][j]" }
        let source = source(
            isWide: isWide, uses: files(for: step.epilogue) + ["tile_cpu"], definitions: [("ROW_PANELS", "\(rowPanels)"), ("PACK_DEPTH", "\(packDepth)")],
            KernelTemplate("matmul_cpu").filled("head", [
                "parameters": Array(parameters.list.dropFirst(fixed)), "uniforms": writer.uniforms, "elements": writer.epilogue(matmulAxes),
            ]))
        func pack(_ entry: String, _ operand: Operand, _ cross: Int, _ depth: Int, _ extent: Int, _ panels: Int, _ start: Int) -> LaunchPlan {
            var parameters = KernelParameters(isWide: isWide)
            parameters.add(operand, "x", isConstant: true)
            for axis in [cross, depth, 0] { parameters.add(index: "stride", operand.access.strides[axis]) }
            parameters.add("global float *packed", .workspace)
            parameters.add("const long packed_offset", .long(start))
            parameters.add(int: "extent", extent)
            parameters.add(int: "k", step.k)
            return LaunchPlan(
                entry: entry, source: source, arguments: parameters.arguments,
                global: [panels, max(1, ceilDivide(step.k, packDepth)), step.batch], local: [1, 1, 1], workspaceBytes: bytes,
                work: Work(copying: 4 * step.batch * extent * step.k))
        }
        let product = LaunchPlan(
            entry: "soma_matmul", source: source, arguments: parameters.arguments,
            global: [ceilDivide(panelsM, rowPanels), panelsN, step.batch], local: [1, 1, 1], workspaceBytes: bytes)
        return [
            pack("soma_pack_a", step.a, 1, 2, step.m, panelsM, 0), pack("soma_pack_b", step.b, 2, 1, step.n, panelsN, bStart), product,
        ]
    }
}

private let matmulAxes = [(axis: 0, name: "batch"), (axis: 1, name: "row"), (axis: 2, name: "column")]

extension BodyWriter {
    /// What happens to the product at the coordinates of these axes.
    func epilogue(_ axes: [(axis: Int, name: String)]) -> [String] {
        let instructions = nest.body.instructions.indices.filter { stages.levels[$0] != .uniform }
        let stores = Array(nest.body.stores.indices)
        return positions(classes(of: instructions, stores: stores), "p", axes) + lines(instructions, positions: "p")
            + elementStores(stores, positions: "p")
    }
}

/// How matmul.cl reads one operand.
struct MatmulOperand {
    static let parameterCount = 5
    let operand: Operand
    let depthIsContiguous: Bool
    /// Neighbours that are read at once: 4 where extent, strides and offset allow.
    let width: Int
    /// The stride of the axis that is not contiguous.
    let lead: Int
    let contiguousExtent: Int

    init(_ operand: Operand, cross: (axis: Int, extent: Int), depth: (axis: Int, extent: Int), _ allowsVectors: Bool) {
        let strides = operand.access.strides
        self.operand = operand
        // An axis of extent 1 has any stride; what counts is the stride of the other.
        depthIsContiguous = strides[depth.axis] == 1 && (strides[cross.axis] != 1 || depth.extent > 1) || depth.extent == 1 && strides[cross.axis] != 1
        lead = depthIsContiguous ? strides[cross.axis] : strides[depth.axis]
        contiguousExtent = depthIsContiguous ? depth.extent : cross.extent
        let allMultiples = [contiguousExtent, lead, strides[0], operand.access.offset].allSatisfy { $0 % 4 == 0 }
        width = allowsVectors && allMultiples ? 4 : 1
    }

    func declare(_ name: String, tileDepth: Int, in parameters: inout KernelParameters) {
        parameters.add(operand, name, isConstant: true, width: width)
        parameters.add(index: "\(name)_lead", lead)
        parameters.add(index: "\(name)_stride", operand.access.strides[0])
        parameters.add("const long \(name)_step", .long(4 * tileDepth * (depthIsContiguous ? 1 : lead)))
    }
}

extension MatmulStep {
    var isWide: Bool {
        func reach(_ operand: Operand, _ extents: [Int]) -> Int { zip(operand.access.strides, extents).reduce(0) { $0 + abs($1.0) * $1.1 } }
        return nest.isWide || max(reach(a, [batch, m, k]), reach(b, [batch, k, n])) > Int(Int32.max) - (1 << 20)
    }

    /// Whether it is best computed as a reduction. A product with a vector moves each element once: a reduction does it as fast as memory allows.
    /// A tiny one is not worth packing.
    var isReduction: Bool { m == 1 || n == 1 || m * n * k <= 4096 }

    /// The same as a reduction over k of products of elements.
    var asReduction: LoopNest {
        let loads = [
            Operand(slot: a.slot, dtype: .float32, access: a.access.with(strides: [a.access.strides[0], a.access.strides[1], 0, a.access.strides[2]])),
            Operand(slot: b.slot, dtype: .float32, access: b.access.with(strides: [b.access.strides[0], 0, b.access.strides[2], b.access.strides[1]])),
        ]
        let product: [Instruction] = [
            Instruction(.load(operand: 0), .float32), Instruction(.load(operand: 1), .float32),
            Instruction(.binary(.multiply, 0, 1), .float32), Instruction(.reduce(.sum, 2), .float32),
        ]
        return nest.reducing(inner: k, loads: loads, instructions: product).withoutSingleExtents
    }
}

extension LoopNest {
    /// The nest without outer axes of extent 1.
    fileprivate var withoutSingleExtents: LoopNest {
        let dropped = Set(outer.indices.filter { outer[$0] == 1 })
        var result = mappingAccesses { access in
            access.with(strides: access.strides.indices.filter { !dropped.contains($0) }.map { access.strides[$0] })
        }
        result.outer = outer.indices.filter { !dropped.contains($0) }.map { outer[$0] }
        return result
    }
}
