import SomaBackend
import SomaGraph

// What fits together.

extension Clustering {
    /// The two as one, and the operations that thereby come to have one value for each outer position.
    func merged(_ a: Cluster, _ b: Cluster) throws(Refusal) -> (Cluster, outers: [Int]) {
        if a.kind == .alone || b.kind == .alone { throw .runsAlone }
        if a.kind == .product && b.kind == .product { throw .twoProducts }
        if multiplies(a, b) || multiplies(b, a) { throw .operandOfProduct }
        let instructions = a.members.count + b.members.count + a.loads.count + b.loads.count
        if instructions > capabilities.maximumInstructions { throw .tooManyInstructions(instructions, limit: capabilities.maximumInstructions) }
        let (domain, outers) = try commonDomain(a, b)
        let kind = a.kind == .product ? a.kind : b.kind
        if kind == .product && domain.hasInner { throw .reductionOfProduct }
        var result = Cluster(kind: kind, members: (a.members + b.members).sorted(), domain: domain)
        result.predecessors = a.predecessors.union(b.predecessors)
        result.isRow = a.isRow || b.isRow
        result.loads = a.loads.union(b.loads)
        let isOuterHere = { (place: Int) in isOuter[place] || outers.contains(place) }
        try link(a, to: b, &result, isOuterHere)
        try link(b, to: a, &result, isOuterHere)
        if result.isRow && !domain.isInnerTrailing { throw .rowScattered }
        if result.isRow && domain.innerCount > capabilities.maximumRowCount {
            throw .rowTooLong(domain.innerCount, limit: capabilities.maximumRowCount)
        }
        let limit = capabilities.maximumOperands * 2 / 3
        if result.loads.count > limit { throw .tooManyOperands(result.loads.count, limit: limit) }
        return (result, outers)
    }

    /// The positions that both run over, and the operations of the one that has a value for each outer position of the other's.
    private func commonDomain(_ a: Cluster, _ b: Cluster) throws(Refusal) -> (Domain, outers: [Int]) {
        if let common = a.domain.merged(with: b.domain) { return (common, []) }
        if !a.domain.hasInner, let common = b.domain.refinedOuter(by: a.domain.factors.map(\.extent)), b.domain.hasInner {
            return (common, a.members)
        }
        if !b.domain.hasInner, let common = a.domain.refinedOuter(by: b.domain.factors.map(\.extent)), a.domain.hasInner {
            return (common, b.members)
        }
        throw .differentDomains
    }

    /// Checks what one cluster reads of the other, which is no longer read from memory when they are one.
    private func link(_ reader: Cluster, to other: Cluster, _ result: inout Cluster, _ isOuterHere: (Int) -> Bool) throws(Refusal) {
        if other.kind == .product {
            let views = reader.loads.filter { !other.contains($0.base) } + reader.members.compactMap { placedView($0) }
            for view in views where !fitsEpilogue(view, other) { throw .awayFromProduct }
        }
        guard reader.loads.contains(where: { other.contains($0.base) }) else { return }
        for place in reader.members {
            for operand in operations[place].operands where other.contains(operand.base) {
                if operations[operand.base].isMaterialized { throw .materialized }
                // A reduction walks over elements, though its result is outer.
                let consumesElements = !isOuterHere(place) || operations[place].isReduction
                if consumesElements == !isOuterHere(operand.base) {
                    if !operand.isIdentity(count: operations[operand.base].shape.count) { throw .otherElements }
                } else {
                    guard consumesElements, repeatsRow(operand, result.domain) else { throw .otherElements }
                    result.isRow = true
                }
                result.loads.remove(operand)
            }
        }
    }

    /// Whether a cluster's product reads what the other computes.
    private func multiplies(_ cluster: Cluster, _ other: Cluster) -> Bool {
        guard cluster.kind == .product, let product = cluster.members.first(where: { operations[$0].isProduct }) else { return false }
        return operations[product].operands.contains { other.contains($0.base) }
    }

    /// Whether a view of one value for each outer position shows it at every inner position.
    private func repeatsRow(_ view: StridedView, _ domain: Domain) -> Bool {
        guard view.starts.isEmpty, let fine = domain.refined(by: view.shape.dimensions) else { return false }
        let strides = fine.strides(view.strides, over: view.shape)
        var expected = 1
        for place in fine.factors.indices.reversed() {
            if fine.factors[place].isInner {
                if strides[place] != 0 { return false }
            } else {
                if strides[place] != expected { return false }
                expected *= fine.factors[place].extent
            }
        }
        return true
    }

    /// Where an operation writes, if into an assembly.
    private func placedView(_ place: Int) -> StridedView? {
        guard let placement = operations[place].placement else { return nil }
        var view = StridedView(of: place, operations[place].shape)
        view.strides = placement.strides
        return view
    }

    /// Whether a view can be read or written at the positions of the product.
    private func fitsEpilogue(_ view: StridedView, _ cluster: Cluster) -> Bool {
        guard let product = cluster.members.first(where: { operations[$0].isProduct }) else { return false }
        return view.reshaped(to: operations[product].productShape ?? []) != nil
    }
}
