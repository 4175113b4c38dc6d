import SomaBackend
import SomaGraph

// What a fused step computes at each position: the operations of its cluster as instructions.

extension Emission {
    mutating func build(_ builder: inout BodyBuilder) {
        let cluster = builder.cluster
        let members = Set(cluster.members)
        for place in cluster.members {
            let operation = operations[place]
            if operation.isProduct {
                builder.define(place, as: builder.add(.accumulator, operation.dtype))
                continue
            }
            let arguments = operation.operands.map { view in
                members.contains(view.base) ? builder.value(of: view.base) : read(view, by: place, &builder)
            }
            // A copy is its argument.
            let instruction = Self.instruction(operation, arguments)
            builder.define(place, as: instruction.map { builder.add($0, operation.dtype) } ?? arguments[0])
        }
        for place in cluster.members where isStored[place] {
            let home = owner(of: place)
            let strides = builder.strides(home.strides, over: operations[place].shape, outerOnly: isOuter[place])
            let access = Access(strides: strides, offset: home.offset)
            let target = Operand(slot: slot(home.place), dtype: operations[place].dtype, access: access)
            builder.body.stores.append(Store(value: builder.value(of: place), target: target))
        }
    }

    private static func instruction(_ operation: Operation, _ arguments: [Int]) -> Instruction.Operation? {
        switch operation.kind {
        case .elementwise(.unary(let function)): .unary(function, arguments[0])
        case .elementwise(.binary(let function)): .binary(function, arguments[0], arguments[1])
        case .elementwise(.select): .select(arguments[0], arguments[1], arguments[2])
        case .elementwise(.cast): .cast(arguments[0])
        case .elementwise(.copy): nil
        case .reduce(let function, _): .reduce(function, arguments[0])
        default: programError("compile", "\(operation.kind) in a fused step")
        }
    }

    /// An instruction that gives the element of a view outside the cluster at each position.
    private mutating func read(_ view: StridedView, by reader: Int, _ builder: inout BodyBuilder) -> Int {
        // A reduction reads at every position, though its own result is outer.
        var outerOnly = isOuter[reader]
        if case .reduce = operations[reader].kind { outerOnly = false }
        let strides = builder.strides(view.strides, over: view.shape, outerOnly: outerOnly)
        let base = operations[view.base]
        switch base.kind {
        case .scalar(let index): return builder.scalar(index, base.dtype)
        case .range: return builder.add(.index(Access(strides: strides, runtimeOffset: runtimeOffset(view))), .int32)
        case .random:
            let words = base.operands.map { operand in
                read(operand.expanded(toMapShape: view.shape), by: reader, &builder)
            }
            let isWide = base.shape.count > Int(Int32.max)
            let index = builder.add(.index(Access(strides: strides, runtimeOffset: runtimeOffset(view))), isWide ? .int64 : .int32)
            return builder.add(.random(key0: words[0], key1: words[1], counter: words[2], index: index), .uint32)
        default: return builder.load(operand(view, strides: strides))
        }
    }
}
