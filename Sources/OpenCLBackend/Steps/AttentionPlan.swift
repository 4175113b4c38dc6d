import SomaBackend
import SomaGraph

/// How attention.cl is cut into blocks.
struct AttentionBlock: Hashable {
    /// Rows of a block: queries, and keys.
    var rows: Int
    /// Features or rows that are staged in local memory at once.
    var depth: Int

    var items: Int { rows / 4 * (rows / 4) }

    /// Bytes of local memory: what is staged of both factors or of whole rows, the scores with four floats of padding a line, and what the
    /// softmax shares.
    func localMemoryBytes(width: Int) -> Int {
        let stage = max(2 * depth * (rows + 4), depth * rows * ((width + rows - 1) / rows))
        return 4 * (stage + rows * (rows + 4) + rows * rows / 16 + rows)
    }

    /// The largest first; the last fits every device that runs kernels for GPUs.
    static let all = [(64, 16), (32, 16), (16, 16), (16, 4)].map { AttentionBlock(rows: $0.0, depth: $0.1) }
}

extension StepPlanner {
    /// See attention.cl and attention_cpu.cl.
    /// - Throws: `BackendError.unsupported` where there are more rows or groups than 32 bits count.
    func attention(_ step: AttentionStep) throws -> [LaunchPlan] {
        let block = attentionBlock(step)
        let rows = traits.isCPU ? 32 : block.rows
        let (queryBlocks, keyBlocks) = (ceilDivide(step.queries, rows), ceilDivide(step.keys, rows))
        let groups = (queries: step.batch * step.heads * queryBlocks, keys: step.batch * step.keyHeads * keyBlocks)
        guard max(step.queries + step.keys, groups.queries, groups.keys) < 1 << 29 else {
            throw BackendError.unsupported("an attention of \(step.queries) queries on \(step.keys) keys")
        }
        let template = KernelTemplate(traits.isCPU ? "attention_cpu" : "attention")
        let head = template.filled("head"), names = step.names
        if !step.isGradient {
            let parameters = parameters(step, names.results, blocks: queryBlocks)
            let source = source(step, block, head + template.filled("forward", ["parameters": parameters.list]))
            return [launch("soma_attention", source, parameters, groups: groups.queries, block)].filter { $0.global != [0] }
        }
        let ofQuery = parameters(step, [names.results[0]], blocks: queryBlocks)
        let ofKey = parameters(step, Array(names.results[1...]), blocks: keyBlocks)
        let lines = template.filled("gradient", ["query parameters": ofQuery.list, "key parameters": ofKey.list])
        let source = source(step, block, head + lines)
        var launches = [
            launch("soma_attention_query", source, ofQuery, groups: groups.queries, block),
            launch("soma_attention_key", source, ofKey, groups: groups.keys, block),
        ]
        (launches[0].work, launches[1].work) = step.shares
        return launches.filter { $0.global != [0] }
    }

    /// The largest block that the device takes; one of half the size where few queries would leave it empty.
    private func attentionBlock(_ step: AttentionStep) -> AttentionBlock {
        let width = max(step.width, step.valueWidth)
        let fitting = AttentionBlock.all.filter {
            $0.items <= traits.maximumWorkGroupSize && $0.localMemoryBytes(width: width) <= traits.localMemoryBytes
        }
        let least = AttentionBlock.all[AttentionBlock.all.count - 1]
        guard let largest = fitting.first else { return least }
        return largest.rows > 32 && step.queries <= 32 ? fitting.first { $0.rows == 32 } ?? largest : largest
    }

    private func launch(_ entry: String, _ source: String, _ parameters: KernelParameters, groups: Int, _ block: AttentionBlock) -> LaunchPlan {
        let items = traits.isCPU ? 1 : block.items
        return LaunchPlan(entry: entry, source: source, arguments: parameters.arguments, global: [groups * items], local: [items])
    }

    private func source(_ step: AttentionStep, _ block: AttentionBlock, _ lines: [String]) -> String {
        var definitions = [("WIDTH", step.width), ("VALUE_WIDTH", step.valueWidth)]
        if !traits.isCPU { definitions += [("BLOCK", block.rows), ("DEPTH", block.depth), ("VECTORS", hasVectors(step) ? 4 : 1)] }
        definitions += [("HAS_LENGTHS", step.attention.hasLengths ? 1 : 0), ("HAS_BIAS", step.attention.hasBias ? 1 : 0)]
        return source(
            isWide: step.isWide, uses: ["activations"] + (traits.isCPU ? ["tile_cpu"] : []),
            definitions: definitions.map { ($0.0, "\($0.1)") }, lines)
    }

    /// Whether rows can be read and written four features at a time, as far as is known before the launch.
    private func hasVectors(_ step: AttentionStep) -> Bool {
        guard allowsVectors && !traits.isCPU && step.width % 4 == 0 && step.valueWidth % 4 == 0 else { return false }
        let accesses = step.rows.map(\.operand.access)
        return accesses.allSatisfy { access in ([access.offset] + access.strides.dropLast()).allSatisfy { $0 % 4 == 0 } }
    }

    /// What is read, some of what is written, and the numbers.
    private func parameters(_ step: AttentionStep, _ written: [String], blocks: Int) -> KernelParameters {
        var parameters = KernelParameters(isWide: step.isWide)
        let names = step.names
        let operands = zip(names.inputs, step.inputs).map { ($0, $1, true) }
            + zip(names.results, step.results).filter { written.contains($0.0) }.map { ($0, $1, false) }
        let rows = Set(step.rows.map(\.name))
        for (name, operand, isConstant) in operands {
            parameters.add(operand, name, isConstant: isConstant, width: rows.contains(name) && hasVectors(step) ? 4 : 1)
            let strides = operand.access.strides
            if rows.contains(name) {
                for (axis, stride) in zip(["batch", "head", "row"], strides) { parameters.add(index: "\(name)_\(axis)", stride) }
            } else if name == "bias" {
                for (axis, stride) in zip(["batch", "head", "query", "key"], strides) { parameters.add(index: "bias_\(axis)", stride) }
            }
        }
        parameters.add("const float scale", .constant(Scalar(Double(step.attention.scale), .float32)))
        let (attention, all) = (step.attention, step.queries + step.keys)
        parameters.add("heads", "group", [step.heads, step.heads / step.keyHeads])
        parameters.add("queries", "keys", [step.queries, step.keys])
        parameters.add(int: "shift", step.keys - step.queries)
        parameters.add("ahead", "behind", [attention.isCausal ? 0 : all, attention.window.map { min(max($0, -all), all) } ?? all])
        parameters.add(int: "blocks", blocks)
        return parameters
    }
}

extension AttentionStep {
    /// What the kernels call the operands.
    fileprivate var names: (inputs: [String], results: [String]) {
        let masks = (attention.hasLengths ? ["lengths"] : []) + (attention.hasBias ? ["bias"] : [])
        return isGradient ? (["q", "k", "v", "l", "d", "g"] + masks, ["dq", "dk", "dv"]) : (["q", "k", "v"] + masks, ["o", "l"])
    }

    /// The operands whose rows are features of heads.
    fileprivate var rows: [(name: String, operand: Operand)] {
        let names = names
        return (Array(zip(names.inputs, inputs)) + zip(names.results, results)).filter { !["l", "d", "lengths", "bias"].contains($0.0) }
            .map { (name: $0.0, operand: $0.1) }
    }

    /// Whether positions need 64 bits.
    fileprivate var isWide: Bool {
        let heads = rows.map { ($0.operand, [batch, self.heads, max(queries, keys), max(width, valueWidth)]) }
        let operands = heads + (bias.map { [($0, [batch, self.heads, queries, keys])] } ?? [])
        let reaches = operands.map { operand, extents in zip(operand.access.strides, extents).reduce(0) { $0 + abs($1.0) * $1.1 } }
        return max(2 * batch * self.heads * queries, reaches.max() ?? 0) > Int(Int32.max) - (1 << 20)
    }

    /// What of the gradient's work falls to the kernel of queries, and to that of keys, which makes all but the product for the queries.
    fileprivate var shares: (queries: Work, keys: Work) {
        let (read, written) = (Double(byteCounts.read), Double(byteCounts.written))
        let ofQueries = 2 * Double(width) * Double(batch * heads) * attention.pairCount(queries: queries, keys: keys)
        let queryBytes = Double(4 * batch * heads * queries * width)
        return (
            Work(operations: ofQueries, bytesRead: read, bytesWritten: queryBytes),
            Work(operations: productOperations + otherOperations - ofQueries, bytesRead: read, bytesWritten: written - queryBytes)
        )
    }
}
