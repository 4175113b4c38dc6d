extension LoopNest {
    /// The nest with the strides of every access in another order of axes; extents are already in it.
    package func reordered(_ axes: [Int]) -> LoopNest {
        mapAccesses { access in access.strides = axes.map { access.strides[$0] } }
    }

    /// Neighbouring extents merged wherever every access allows it.
    package func collapsed() -> LoopNest {
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
