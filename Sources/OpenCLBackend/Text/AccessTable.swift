import SomaBackend

/// The ways in which a body walks through memory. Operands with the same strides share one position.
///
/// Class c has, for axis a, the stride 0 or 1 in the text or else a parameter `c_a`: texts do not depend on extents.
struct AccessTable {
    private(set) var classes: [[Int]] = []

    /// The class of an access, made if it is new.
    mutating func insert(_ access: Access) -> Int {
        if let known = classes.firstIndex(of: access.strides) { return known }
        classes.append(access.strides)
        return classes.count - 1
    }

    func declare(in parameters: inout KernelParameters) {
        for (number, strides) in classes.enumerated() {
            for (axis, stride) in strides.enumerated() where stride != 0 && stride != 1 {
                parameters.add(index: Self.stride(number, axis), stride)
            }
        }
    }

    /// The part of a class's position that some axes contribute, each with its coordinate; `nil` where that is nothing.
    func position(_ number: Int, _ coordinates: [(axis: Int, name: String)]) -> String? {
        let terms = coordinates.compactMap { axis, name -> String? in
            switch classes[number][axis] {
            case 0: nil
            case 1: name
            default: "\(name) * \(Self.stride(number, axis))"
            }
        }
        return terms.isEmpty ? nil : terms.joined(separator: " + ")
    }

    /// The distance between neighbours along an axis.
    func step(_ number: Int, _ axis: Int) -> String {
        let stride = classes[number][axis]
        return stride == 0 || stride == 1 ? "\(stride)" : Self.stride(number, axis)
    }

    /// The greatest distance of any position from the first.
    func reach(over extents: [Int]) -> Int {
        classes.map { strides in zip(strides, extents).reduce(0) { $0 + abs($1.0) * max($1.1 - 1, 0) } }.max() ?? 0
    }

    private static func stride(_ number: Int, _ axis: Int) -> String { "c\(number)_\(axis)" }
}

extension LoopNest {
    /// Whether positions need 64 bits.
    var isWide: Bool {
        var table = AccessTable()
        for access in accesses { _ = table.insert(access) }
        // Launches round counts up to whole work-groups and blocks.
        return max(outerCount * innerCount, table.reach(over: outer + inner)) > Int(Int32.max) - (1 << 20)
    }

    var accesses: [Access] {
        var result = body.loads.map(\.access) + body.stores.map(\.target.access)
        for instruction in body.instructions { if case .index(let access) = instruction.operation { result.append(access) } }
        return result
    }

    /// The nest with at least one outer axis, and at least one inner axis if it reduces.
    var padded: LoopNest {
        var result = self
        let (addsOuter, outerRank) = (outer.isEmpty, outer.count)
        if addsOuter { result.outer = [1] }
        for i in result.body.loads.indices { result.body.loads[i].access.pad(addsOuter, outerRank) }
        for i in result.body.stores.indices { result.body.stores[i].target.access.pad(addsOuter, outerRank) }
        for i in result.body.instructions.indices {
            guard case .index(var access) = result.body.instructions[i].operation else { continue }
            access.pad(addsOuter, outerRank)
            result.body.instructions[i].operation = .index(access)
        }
        return result
    }
}

extension Access {
    fileprivate mutating func pad(_ addsOuter: Bool, _ outerRank: Int) {
        if addsOuter { strides.insert(0, at: 0) }
    }
}
