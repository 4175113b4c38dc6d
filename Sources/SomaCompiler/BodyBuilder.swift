import SomaBackend
import SomaGraph

/// Collects the body of one fused step; equal instructions become one.
struct BodyBuilder {
    let cluster: Cluster
    let domain: Domain
    /// In the epilogue of a matmul: [batch, m, n], over which every access has its strides.
    let epilogueShape: Shape?
    var body = Body()
    private var values: [Int: Int] = [:]
    private var known: [Instruction: Int] = [:]

    init(cluster: Cluster, domain: Domain, epilogueShape: Shape? = nil) {
        (self.cluster, self.domain, self.epilogueShape) = (cluster, domain, epilogueShape)
    }

    var nest: LoopNest {
        let outers = domain.factors.indices.filter { !domain.factors[$0].isInner }
        let inners = domain.factors.indices.filter { domain.factors[$0].isInner }
        let nest = LoopNest(outer: domain.outer, inner: domain.inner, body: body)
        return nest.reordered(outers + inners)
    }

    func value(of place: Int) -> Int {
        guard let value = values[place] else { programError("compile", "operation \(place) is used before it is computed") }
        return value
    }

    mutating func define(_ place: Int, as value: Int) { values[place] = value }

    mutating func add(_ operation: Instruction.Operation, _ dtype: DType) -> Int {
        let instruction = Instruction(operation, dtype)
        if let index = known[instruction] { return index }
        body.instructions.append(instruction)
        known[instruction] = body.instructions.count - 1
        return body.instructions.count - 1
    }

    mutating func load(_ operand: Operand) -> Int {
        if let index = body.loads.firstIndex(of: operand) { return add(.load(operand: index), operand.dtype) }
        body.loads.append(operand)
        return add(.load(operand: body.loads.count - 1), operand.dtype)
    }

    mutating func scalar(_ place: Int, _ dtype: DType) -> Int {
        if let index = body.scalars.firstIndex(of: place) { return add(.scalar(index: index), dtype) }
        body.scalars.append(place)
        return add(.scalar(index: body.scalars.count - 1), dtype)
    }

    /// Strides over the positions of the step for strides over an operation's axes.
    func strides(_ strides: [Int], over shape: Shape, outerOnly: Bool) -> [Int] {
        guard let epilogueShape else { return domain.strides(strides, over: shape, outerOnly: outerOnly) }
        var view = StridedView(of: 0, shape)
        view.strides = strides
        guard let result = view.reshaped(to: epilogueShape) else { programError("compile", "an epilogue that does not fit its matmul") }
        return result.strides
    }
}

extension LoopNest {
    /// The nest with the strides of every access in another order of axes; extents are already in it.
    func reordered(_ axes: [Int]) -> LoopNest {
        mapAccesses { access in access.strides = axes.map { access.strides[$0] } }
    }

    /// Neighbouring extents merged wherever every access allows it.
    func collapsed() -> LoopNest {
        var result = self
        var axis = result.outer.count + result.inner.count - 2
        while axis >= 0 {
            let extents = result.outer + result.inner
            let isBoundary = axis == result.outer.count - 1 && !result.inner.isEmpty
            if !isBoundary && result.accesses.allSatisfy({ $0.strides[axis] == $0.strides[axis + 1] * extents[axis + 1] }) {
                result = result.mapAccesses { $0.strides.remove(at: axis) }
                if axis < result.outer.count - 1 {
                    result.outer[axis] *= result.outer.remove(at: axis + 1)
                } else {
                    let place = axis - result.outer.count
                    result.inner[place] *= result.inner.remove(at: place + 1)
                }
            }
            axis -= 1
        }
        return result
    }

    private var accesses: [Access] {
        var result = body.loads.map(\.access) + body.stores.map(\.target.access)
        for instruction in body.instructions { if case .index(let access) = instruction.operation { result.append(access) } }
        return result
    }

    private func mapAccesses(_ change: (inout Access) -> Void) -> LoopNest {
        var result = self
        for i in result.body.loads.indices { change(&result.body.loads[i].access) }
        for i in result.body.stores.indices { change(&result.body.stores[i].target.access) }
        for i in result.body.instructions.indices {
            guard case .index(var access) = result.body.instructions[i].operation else { continue }
            change(&access)
            result.body.instructions[i].operation = .index(access)
        }
        return result
    }
}
