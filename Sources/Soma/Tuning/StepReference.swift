import SomaBackend
import SomaGraph

extension Step {
    /// Steps for a backend that takes images with channels last, which compute the same; `slots` counts those in use, to which may be added.
    func withChannelsLast(_ slots: inout [Int]) -> [Step] {
        guard case .convolution(var step) = self, step.order == .channelsFirst else { return [self] }
        var before: [Step] = []
        func moved(_ operand: Operand, _ shape: Shape) -> Operand {
            let extents = shape.dimensions
            let last = [extents[0], extents[2], extents[3], extents[1]], strides = shape.contiguousStrides
            var source = operand, target = operand
            source.access.strides = [strides[0], strides[2], strides[3], strides[1]]
            target.slot = slots.count
            target.access = Access(strides: Shape(last).contiguousStrides)
            slots.append(shape.count)
            let copy = Body(
                loads: [source], instructions: [Instruction(.load(operand: 0), .float32)], stores: [Store(value: 0, target: target)])
            before.append(.map(LoopNest(outer: last, body: copy).collapsed()))
            target.access.strides = [0, 3, 1, 2].map { target.access.strides[$0] }
            return target
        }
        let epilogue = step.nest
        if step.pass != .inputGradient { step.first = moved(step.first, step.inputShape) } else { step.first = moved(step.first, step.outputShape) }
        if step.pass == .filterGradient { step.second = moved(step.second, step.outputShape) }
        step.order = .channelsLast
        // The product alone, then what becomes of it, as a map over the extents of before.
        let extents = step.extents
        let product = Operand(slot: slots.count, dtype: .float32, access: Access(strides: Shape(extents).contiguousStrides))
        slots.append(extents.reduce(1, *))
        step.epilogue = Body(instructions: [Instruction(.accumulator, .float32)], stores: [Store(value: 0, target: product)])
        var read = product
        if step.pass != .filterGradient { read.access.strides = [0, 3, 1, 2].map { product.access.strides[$0] } }
        return before + [.convolution(step), .map(epilogue.loadingAccumulator(from: read).collapsed())]
    }
}

extension LoopNest {
    fileprivate func loadingAccumulator(from operand: Operand) -> LoopNest {
        var result = self
        result.body.loads.append(operand)
        for i in result.body.instructions.indices {
            guard case .accumulator = result.body.instructions[i].operation else { continue }
            result.body.instructions[i].operation = .load(operand: result.body.loads.count - 1)
        }
        return result
    }
}
