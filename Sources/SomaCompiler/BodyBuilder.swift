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
