import SomaBackend
import SomaGraph

// What becomes of a product: its loop nest in other shapes.

extension Access {
    func with(strides: [Int]) -> Access { Access(strides: strides, offset: offset, runtimeOffset: runtimeOffset) }
}

extension LoopNest {
    /// The nest with the axes of a pixel (of a filter: with all but its first) made one, where every access allows it.
    func mergingPixels(_ step: ConvolutionStep) -> LoopNest { merging(step.pass == .filterGradient ? 1...3 : 2...3) ?? self }

    /// Neighbouring outer axes made one; `nil` where an access does not allow it.
    func merging(_ axes: ClosedRange<Int>) -> LoopNest? {
        func merged(_ access: Access) -> Access? {
            var stride = access.strides[axes.upperBound], extent = outer[axes.upperBound]
            for axis in axes.dropLast().reversed() where outer[axis] != 1 {
                if extent == 1 { stride = access.strides[axis] } else if access.strides[axis] != stride * extent { return nil }
                extent *= outer[axis]
            }
            var strides = access.strides
            strides.replaceSubrange(axes, with: [stride])
            return access.with(strides: strides)
        }
        guard accesses.allSatisfy({ merged($0) != nil }) else { return nil }
        var result = mappingAccesses { merged($0) ?? $0 }
        result.outer.replaceSubrange(axes, with: [outer[axes].reduce(1, *)])
        return result
    }

    var withLeadingAxis: LoopNest {
        var result = mappingAccesses { $0.with(strides: [0] + $0.strides) }
        result.outer.insert(1, at: 0)
        return result
    }

    /// The nest with every access changed.
    func mappingAccesses(_ change: (Access) -> Access) -> LoopNest {
        var result = self
        for i in body.loads.indices { result.body.loads[i].access = change(body.loads[i].access) }
        for i in body.stores.indices { result.body.stores[i].target.access = change(body.stores[i].target.access) }
        for i in body.instructions.indices {
            if case .index(let access) = body.instructions[i].operation { result.body.instructions[i].operation = .index(change(access)) }
        }
        return result
    }

    /// The epilogue of a product over the sums of its segments, which lie in the workspace as [segment, result].
    func sum(ofSegments segments: Int, from start: Int = 0) -> LoopNest {
        var load = Operand.workspace(outer, offset: start)
        load.access.strides.append(outerCount)
        return reducing(
            inner: segments, loads: [load], instructions: [Instruction(.load(operand: 0), .float32), Instruction(.reduce(.sum, 0), .float32)])
    }

    /// An epilogue's nest as a reduction whose last instruction takes the place of the accumulator.
    func reducing(inner: Int, loads: [Operand], instructions: [Instruction]) -> LoopNest {
        let outerOnly = { (access: Access) in access.with(strides: access.strides + [0]) }
        let epilogue = mappingAccesses(outerOnly).body
        var result = Body(loads: loads + epilogue.loads, scalars: epilogue.scalars, instructions: instructions)
        var places: [Int] = []
        for instruction in epilogue.instructions {
            var moved = instruction.renumbered { places[$0] }
            switch instruction.operation {
            case .accumulator:
                places.append(instructions.count - 1)
                continue
            case .load(let operand): moved.operation = .load(operand: operand + loads.count)
            default: break
            }
            result.instructions.append(moved)
            places.append(result.instructions.count - 1)
        }
        result.stores = epilogue.stores.map { Store(value: places[$0.value], target: $0.target) }
        return LoopNest(outer: outer, inner: [inner], body: result)
    }
}

extension Body {
    /// The epilogue that writes the product and nothing else.
    static func plain(to target: Operand) -> Body {
        Body(instructions: [Instruction(.accumulator, .float32)], stores: [Store(value: 0, target: target)])
    }
}

extension Operand {
    /// An array in the device's scratch memory.
    static func workspace(_ extents: [Int], offset: Int = 0) -> Operand {
        Operand(slot: workspaceSlot, dtype: .float32, access: Access(strides: Shape(extents).contiguousStrides, offset: offset))
    }
}
