import SomaBackend
import SomaGraph

/// Resolves the views of a graph: each entry becomes a view of an operation.
struct Lowering {
    var operations: [Operation] = []
    /// For each root, the operation that holds its elements, contiguous and whole.
    private(set) var roots: [Int] = []

    let capabilities: Capabilities
    /// Images that were brought into the order of the steps for them.
    var images: [StridedView: StridedView] = [:]
    /// By a gather that takes rows of a table's product: the product, and the indices.
    var rowsOfProducts: [Int: (product: StridedView, indices: StridedView)] = [:]
    /// Sums of rows for each index, which the gradients of a table and of its factor share.
    var scatteredRows: [ScatteredRows: StridedView] = [:]
    /// Indices that were brought into the order of rows.
    var orderedIndices: [StridedView: StridedView] = [:]
    /// Constants that were written to memory.
    private var storedConstants: [StridedView: StridedView] = [:]
    private(set) var views: [StridedView] = []
    private var startCount = 0
    private var scalarCount = 0
    private var sourceCount = 0

    /// Which results are asked of an operation that has several, by its entry, and where they are.
    private var wantedResults: [Int: [NodeResult]] = [:]
    private var viewsOfResults: [Int: [NodeResult: StridedView]] = [:]

    init(_ entries: [GraphSnapshot.Entry], roots rootPlaces: [Int], _ capabilities: Capabilities) {
        self.capabilities = capabilities
        lower(entries, roots: rootPlaces)
        for place in rootPlaces { roots.append(convolutionInPlainOrder(views[place], rootPlaces) ?? whole(views[place])) }
        placeParts()
    }

    /// The body of a scan, whose roots each have memory of their own.
    private init(_ body: ScanBody, roots rootLines: [Int], _ capabilities: Capabilities, firstScalar: Int, firstStart: Int) {
        self.capabilities = capabilities
        (scalarCount, startCount) = (firstScalar, firstStart)
        lower(body.lines.map {
            GraphSnapshot.Entry(
                primitive: $0.node.primitive, inputs: $0.inputs, shape: $0.node.shape, dtype: $0.node.dtype, isComputed: $0.source != nil)
        }, roots: rootLines)
        for line in rootLines {
            let root = whole(views[line])
            let isShared = !operations[root].isComputed && !operations[root].isWritten || roots.contains(root)
            roots.append(isShared ? copy(StridedView(of: root, operations[root].shape)).base : root)
        }
        placeParts()
    }

    private mutating func lower(_ entries: [GraphSnapshot.Entry], roots: [Int]) {
        let isNeeded = needed(entries, roots)
        for (place, entry) in entries.enumerated() where isNeeded[place] {
            guard case .result(let result) = entry.primitive, !entry.isComputed, let owner = entry.inputs.first else { continue }
            wantedResults[owner, default: []].append(result)
        }
        for (place, entry) in entries.enumerated() {
            if isNeeded[place] { views.append(lower(entry, entries)) } else { pass(over: entry) }
        }
    }

    /// What the roots need: no composition of an operation that the device has a step for, and no composition of a result that nobody asks for.
    private func needed(_ entries: [GraphSnapshot.Entry], _ roots: [Int]) -> [Bool] {
        var isNeeded = [Bool](repeating: false, count: entries.count)
        for root in roots { isNeeded[root] = true }
        for (place, entry) in entries.enumerated().reversed() where isNeeded[place] && !entry.isComputed {
            var inputs = entry.inputs[...]
            if case .library(let operation) = entry.primitive {
                if hasStep(operation, entry, entries) {
                    inputs = inputs.dropFirst(operation.resultCount)
                } else {
                    inputs = inputs.prefix(operation.resultCount == 1 ? 1 : 0)
                }
            }
            if case .result(.value(let index)) = entry.primitive, case .library(let operation) = entries[entry.inputs[0]].primitive,
                !hasStep(operation, entries[entry.inputs[0]], entries)
            {
                isNeeded[entries[entry.inputs[0]].inputs[index]] = true
            }
            for input in inputs { isNeeded[input] = true }
        }
        return isNeeded
    }

    /// Counts what stands in a composition that is not lowered, as it does among the numbers of the snapshot.
    private mutating func pass(over entry: GraphSnapshot.Entry) {
        if entry.isComputed { sourceCount += 1 } else { count(entry.primitive) }
        views.append(StridedView(of: 0, entry.shape))
    }

    private mutating func count(_ primitive: Primitive) {
        switch primitive {
        case .constant: scalarCount += 1
        case .slice(_, let steps): startCount += steps.count
        case .scan(let body): for line in body.lines where line.source == nil { count(line.node.primitive) }
        default: break
        }
    }

    mutating func materialize(_ place: Int) { operations[place].isMaterialized = true }

    mutating func markReordered(_ place: Int) { operations[place].isReordered = true }

    mutating func add(
        _ kind: Operation.Kind, _ operands: [StridedView], _ shape: Shape, _ dtype: DType, custom: CustomOperation? = nil
    ) -> StridedView {
        operations.append(Operation(kind: kind, operands: operands, shape: shape, dtype: dtype, customOperation: custom))
        return StridedView(of: operations.count - 1, shape)
    }

    private mutating func lower(_ entry: GraphSnapshot.Entry, _ entries: [GraphSnapshot.Entry]) -> StridedView {
        let (shape, dtype) = (entry.shape, entry.dtype)
        if entry.isComputed {
            sourceCount += 1
            return add(.source(sourceCount - 1), [], shape, dtype)
        }
        let inputs = entry.inputs.map { views[$0] }
        func map(_ function: Operation.Elementwise) -> StridedView {
            self.map(function, inputs.map { $0.expanded(toMapShape: shape) }, shape, dtype)
        }
        switch entry.primitive {
        case .buffer, .deviceCopy: programError("compile", "a source without storage")
        case .constant:
            scalarCount += 1
            return add(.scalar(scalarCount - 1), [], shape, dtype)
        case .range: return add(.range, [], shape, dtype)
        case .random: return add(.random, inputs, shape, dtype)
        case .unary(let function): return map(.unary(function))
        case .binary(let function):
            if function.isComparison { materializeCommonOrigins(inputs[0], inputs[1]) }
            if function == .add, let sum = sumOfRows(inputs, shape) { return sum }
            return map(.binary(function))
        case .select: return map(.select)
        case .cast: return map(.cast)
        case .reshape: return reshaped(inputs[0], to: shape)
        case .permute(let axes): return inputs[0].permuted(axes)
        case .expand: return inputs[0].expanded(to: shape)
        case .slice(_, let steps):
            startCount += steps.count
            return inputs[0].sliced(to: shape, steps: steps, firstStart: startCount - steps.count)
        case .pad(let before): return padded(inputs[0], inputs[1], before, shape, dtype)
        case .window(let axis, let step, let dilation):
            return inputs[0].windowed(to: shape, axis: axis, step: step, dilation: dilation)
        case .fold(let axis, let step, let dilation): return folded(inputs[0], inputs[1], axis, step, dilation, shape, dtype)
        case .concatenate(let axis): return concatenated(inputs, axis, shape, dtype)
        case .contiguous:
            let place = whole(inputs[0])
            materialize(place)
            return StridedView(of: place, shape)
        case .dynamicSlice: return add(.dynamicSlice, [stored(inputs[0]), contiguous(inputs[1])], shape, dtype)
        case .updateSlice:
            return add(.updateSlice, [copy(inputs[0]), stored(inputs[1]), contiguous(inputs[2])], shape, dtype)
        case .reduce(let operation, let axes):
            let count = axes.reduce(1) { $0 * inputs[0].shape[$1] }
            if count == 1 {
                // The index of an only element is 0: a range of one, seen everywhere.
                return operation.givesIndex
                    ? add(.range, [], [1], .int32).expanded(toZeros: shape) : reshaped(inputs[0], to: shape)
            }
            return reduction(operation, inputs[0], axes, shape, dtype)
        case .matmul: return matmul(inputs[0], inputs[1], shape)
        case .gather(let axis): return add(.gather(axis: axis), inputs.map { contiguous($0) }, shape, dtype)
        case .scatterAdd(let axis):
            if axis == 0, let sum = scatteredProduct(inputs[0], inputs[1], inputs[2]) { return sum }
            return add(.scatterAdd(axis: axis), [copy(inputs[0]), contiguous(inputs[1]), contiguous(inputs[2])], shape, dtype)
        case .custom(let operation):
            return add(.custom, inputs.map { contiguous($0) }, shape, dtype, custom: operation)
        case .library(let operation): return library(operation, isOwn: hasStep(operation, entry, entries), inputs, shape, dtype)
        case .scan(let body): return scan(body, inputs)
        case .result(let result):
            guard let view = viewsOfResults[entry.inputs[0]]?[result] else { programError("compile", "an operation without a result") }
            return view
        case .customGradient, .stopGradient: return inputs[0]
        }
    }
}

// MARK: - Scans

/// A compiled body of a scan, and the lines whose values are its roots: the next states, then what is stacked.
final class ScanPlan: Hashable, Sendable {
    let body: ScanBody
    let plan: Plan
    let stacked: [Int]

    init(_ body: ScanBody, _ plan: Plan, stacked: [Int]) { (self.body, self.plan, self.stacked) = (body, plan, stacked) }

    static func == (a: ScanPlan, b: ScanPlan) -> Bool { a === b }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

    /// The results, in the order of the roots.
    var results: [NodeResult] { body.nextStates.indices.map { .state($0) } + stacked.map { .stacked(line: $0) } }

    /// Where in the workspace, which begins with the arena, the two places of each state are, and how many bytes it has.
    var workspace: (states: [(first: Int, second: Int)], byteCount: Int) {
        func aligned(_ byteCount: Int) -> Int { (byteCount + MemoryPlan.alignment - 1) / MemoryPlan.alignment * MemoryPlan.alignment }
        var end = aligned(plan.arenaByteCount)
        let states = body.nextStates.map { line in
            let size = aligned(body.lines[line].node.shape.count * body.lines[line].node.dtype.byteCount)
            end += 2 * size
            return (first: end - 2 * size, second: end - size)
        }
        return (states, max(end, MemoryPlan.alignment))
    }
}

extension Lowering {
    private mutating func scan(_ body: ScanBody, _ inputs: [StridedView]) -> StridedView {
        var stacked: [Int] = []
        for case .stacked(let line) in wantedResults[views.count] ?? [] where !stacked.contains(line) { stacked.append(line) }
        let lowering = Lowering(body, roots: body.nextStates + stacked, capabilities, firstScalar: scalarCount, firstStart: startCount)
        (scalarCount, startCount) = (lowering.scalarCount, lowering.startCount)
        let scan = ScanPlan(body, Plan(lowering), stacked: stacked)
        let whole = add(.scan(scan), inputs.map { contiguous($0) }, Shape([scan.workspace.byteCount]), .uint8)
        for result in scan.results { addResult(result, of: whole, body.shape(of: result), body.dtype(of: result)) }
        return whole
    }

    /// Memory for a result of an operation that has several, the one being lowered.
    /// - Parameter axes: how its axes follow each other in memory, if not as they are.
    mutating func addResult(_ result: NodeResult, of whole: StridedView, _ shape: Shape, _ dtype: DType, axes: [Int]? = nil) {
        let memory = add(.result(result), [whole], shape, dtype, axes ?? Array(shape.dimensions.indices))
        operations[whole.base].results.append(memory.base)
        viewsOfResults[views.count, default: [:]][result] = memory
    }

    /// Lets the results of the operation that is being lowered be what their compositions are.
    mutating func takeCompositions(_ views: ArraySlice<StridedView>) {
        for (index, view) in views.enumerated() { viewsOfResults[self.views.count, default: [:]][.value(index)] = view }
    }
}

// MARK: - Views that must be memory

extension Lowering {
    /// The same elements in memory of their own.
    mutating func copy(_ view: StridedView) -> StridedView {
        add(.elementwise(.copy), [view], view.shape, operations[view.base].dtype)
    }

    /// A view of something that lies in memory. Readers of one constant share it.
    mutating func stored(_ view: StridedView) -> StridedView {
        guard operations[view.base].isGenerator else { return view }
        guard case .scalar = operations[view.base].kind else { return copy(view) }
        let stored = storedConstants[view] ?? copy(view)
        storedConstants[view] = stored
        return stored
    }

    mutating func contiguous(_ view: StridedView) -> StridedView {
        view.isContiguous || operations[view.base].isGenerator ? stored(view) : copy(view)
    }

    /// The operation that holds exactly the elements of `view`, in row-major order.
    private mutating func whole(_ view: StridedView) -> Int {
        let base = operations[view.base]
        return view.isIdentity(count: base.shape.count) && !base.isGenerator ? view.base : copy(view).base
    }

    mutating func reshaped(_ view: StridedView, to shape: Shape) -> StridedView {
        if let result = view.reshaped(to: shape) { return result }
        var result = copy(view)
        (result.shape, result.strides) = (shape, shape.contiguousStrides)
        return result
    }

    /// A view that a matrix product can read: the batch axes merge into one, and rows or columns are contiguous.
    mutating func matrix(_ view: StridedView) -> StridedView {
        let view = stored(view)
        return MatrixLayout(view) == nil ? copy(view) : view
    }
}

/// A batch of matrices in memory as matrix products take it: strides of batch, row and column, of which the row's or the
/// column's is 1 and the other at least the extent it steps over.
struct MatrixLayout {
    var batch, rows, columns: Int
    var strides: [Int]

    init?(_ view: StridedView) {
        let rank = view.shape.rank
        rows = view.shape[rank - 2]
        columns = view.shape[rank - 1]
        batch = view.shape.dimensions.dropLast(2).reduce(1, *)
        guard let merged = view.mergedLeadingStride(view.shape.rank - 2) else { return nil }
        var (row, column) = (view.strides[rank - 2], view.strides[rank - 1])
        if rows == 1 { row = column == 1 ? columns : 1 }
        if columns == 1 { column = row == 1 && rows > 1 ? rows : 1 }
        guard (column == 1 && row >= columns) || (row == 1 && column >= rows), merged >= 0 else { return nil }
        strides = [merged, row, column]
    }
}

extension StridedView {
    /// The stride of the single axis that the first `count` axes would be if merged.
    func mergedLeadingStride(_ count: Int) -> Int? {
        var leading = self
        leading.shape = Shape(Array(shape.dimensions[..<count]))
        leading.strides = Array(strides[..<count])
        return leading.reshaped(to: [leading.shape.count])?.strides[0]
    }

    /// An operand of a map: of the map's shape, or of rank 0.
    func expanded(toMapShape target: Shape) -> StridedView {
        shape.rank == 0 && target.rank > 0 ? expanded(toZeros: target) : self
    }

    /// The first element everywhere.
    func expanded(toZeros target: Shape) -> StridedView {
        var view = self
        (view.shape, view.strides) = (target, [Int](repeating: 0, count: target.rank))
        return view
    }
}
