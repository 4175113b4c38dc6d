import SomaBackend
import SomaGraph

/// What a kernel is given at one place of its parameter list.
enum KernelArgument: Hashable {
    /// The memory of a slot of the program.
    case buffer(slot: Int)
    /// Where an operand's elements begin, in elements: the slot's place in its buffer, plus what is known now, plus what is known at the launch.
    case offset(slot: Int, elementSize: Int, known: Int, runtime: Int?, mustBeAligned: Bool)
    /// A number of the program's scalars: its place, and its bytes.
    case scalar(place: Int, byteCount: Int)
    /// An int, or a long where that is too short: what is known now, plus an offset that is known at the launch.
    case position(known: Int, runtime: Int, isWide: Bool)
    case int(Int32)
    case uint(UInt32)
    case long(Int)
    /// A number that a user's kernel asks for.
    case constant(Scalar)
    /// The device's scratch memory, from some byte on.
    case workspace
}

/// The parameters of a kernel in the making: their declarations and, at the same places, what they are given.
struct KernelParameters {
    private(set) var declarations: [String] = []
    private(set) var arguments: [KernelArgument] = []
    let isWide: Bool

    /// - Parameter isWide: whether positions have 64 bits.
    init(isWide: Bool) { self.isWide = isWide }

    mutating func add(_ declaration: String, _ argument: KernelArgument) {
        declarations.append(declaration)
        arguments.append(argument)
    }

    /// A count or stride, as wide as positions are.
    mutating func add(index name: String, _ value: Int) {
        add("const soma_index \(name)", isWide ? .long(value) : .int(Int32(value)))
    }

    mutating func add(int name: String, _ value: Int) { add("const int \(name)", .int(Int32(value))) }

    /// Where an index begins to count.
    mutating func add(position name: String, _ access: Access, isWide: Bool) {
        let declaration = "const \(isWide ? "long" : "int") \(name)"
        if let runtime = access.runtimeOffset {
            add(declaration, .position(known: access.offset, runtime: runtime, isWide: isWide))
        } else {
            add(declaration, isWide ? .long(access.offset) : .int(Int32(access.offset)))
        }
    }

    /// An extent that positions are divided by, and the multiplier and shift for it (see SOMA_QUOTIENT in prelude.cl).
    mutating func add(divisor name: String, _ extent: Int) {
        add(index: name, extent)
        addMultiplier(name, extent)
    }

    /// The same for numbers that are ints wherever positions have 64 bits.
    mutating func add(intDivisor name: String, _ extent: Int) {
        add(int: name, extent)
        addMultiplier(name, extent)
    }

    private mutating func addMultiplier(_ name: String, _ extent: Int) {
        let (multiplier, shift) = Self.multiplier(max(extent, 1))
        add("const uint \(name)_multiplier", .uint(multiplier))
        add("const uint \(name)_shift", .uint(shift))
    }

    /// The quotient of an expression and a divisor that was added.
    static func quotient(_ x: String, _ name: String) -> String { "SOMA_QUOTIENT(\(x), \(name), \(name)_multiplier, \(name)_shift)" }

    static func multiplier(_ extent: Int) -> (multiplier: UInt32, shift: UInt32) {
        guard extent > 1, extent <= Int(Int32.max) else { return (0, 0) }
        let shift = Int.bitWidth - (extent - 1).leadingZeroBitCount
        let multiplier = (UInt64(1) << 32) * UInt64((1 << shift) - extent) / UInt64(extent) + 1
        return (UInt32(truncatingIfNeeded: multiplier), UInt32(shift))
    }

    /// These, one more, and then others.
    func with(_ declaration: String, _ argument: KernelArgument, before others: KernelParameters) -> KernelParameters {
        var result = self
        result.declarations += [declaration] + others.declarations
        result.arguments += [argument] + others.arguments
        return result
    }

    /// The list as it stands between the parentheses.
    var list: [String] { declarations.indices.map { declarations[$0] + ($0 + 1 < declarations.count ? "," : "") } }
}
