import SomaGraph

/// Parameters laid end to end in one state, so that one launch updates all of them.
struct ParameterArena: Sendable {
    /// The trained parameters in the order in which they lie.
    let parameters: [Parameter]
    /// Places of the parameters in the order of the groups, which is what others know.
    private let order: [Int]
    /// The trained parameters in the order of the groups.
    var inOrderOfGroups: [Parameter] { order.map { parameters[$0] } }
    let state: State
    private let offsets: [Int]
    /// For each parameter how its group is treated.
    private let groups: [ParameterGroup]

    /// Moves the parameters of all groups that are not frozen into one new state.
    ///
    /// Those whose sizes are multiples of 32 come first: they and most of the others begin at addresses that vectors
    /// like.
    init(_ groups: [ParameterGroup]) {
        var seen = Set<ObjectIdentifier>()
        var members: [(parameter: Parameter, group: Int)] = []
        for (number, group) in groups.enumerated() {
            for parameter in group.parameters where !group.isFrozen {
                guard seen.insert(ObjectIdentifier(parameter)).inserted else {
                    programError(
                        "Optimizer",
                        "a parameter of shape \(parameter.shape) is in more than one group, or twice in one")
                }
                members.append((parameter, number))
            }
        }
        func isAligned(_ member: (parameter: Parameter, group: Int)) -> Bool { member.parameter.shape.count % 32 == 0 }
        let sorted = members.filter(isAligned) + members.filter { !isAligned($0) }
        if sorted.isEmpty {
            programError("Optimizer", "there is no parameter to train: \(groups.isEmpty ? "no groups" : "all groups are frozen or empty")")
        }
        if sorted.contains(where: \.parameter.isOnLoan) {
            programError("Optimizer", "made within withAveragedWeights { }, where averages stand in for the weights; make it outside")
        }
        parameters = sorted.map(\.parameter)
        let places = Dictionary(uniqueKeysWithValues: sorted.indices.map { (ObjectIdentifier(sorted[$0].parameter), $0) })
        order = members.compactMap { places[ObjectIdentifier($0.parameter)] }
        self.groups = sorted.map { groups[$0.group] }
        var end = 0
        offsets = parameters.map { parameter in
            defer { end += parameter.shape.count }
            return end
        }
        state = State(Self.flat(parameters.map(\.tensor)), isTracked: true)
        for (parameter, offset) in zip(parameters, offsets) { parameter.rehome(into: state, offset: offset) }
    }

    var count: Int { state.shape.count }
    var device: Device { state.device }

    /// Tensors of the parameters' shapes end to end.
    static func flat(_ tensors: [Tensor]) -> Tensor {
        Tensor(concatenating: tensors.map { $0.reshaped(to: [$0.count]) })
    }

    /// Tensors in the order of the groups, end to end in the order in which the parameters lie.
    func laidOut(_ tensors: consuming [Tensor]) -> Tensor {
        var laid = [Tensor?](repeating: nil, count: tensors.count)
        for (number, place) in order.enumerated() { laid[place] = tensors[number] }
        return Self.flat(laid.compactMap { $0 })
    }

    /// The part of a vector of this arena's length that belongs to each parameter, in the parameter's shape.
    func parts(of vector: Tensor) -> [Tensor] {
        zip(parameters, offsets).map { parameter, offset in
            vector.block(at: [offset], of: [parameter.shape.count]).reshaped(to: parameter.shape)
        }
    }

    /// Traps where another optimiser has taken parameters over, or averages stand in for them: updates would go unnoticed.
    func requireParameters(_ file: StaticString, _ line: UInt) {
        for parameter in parameters where !parameter.isPart(of: state) {
            programError(
                "update",
                parameter.isOnLoan
                    ? "moving averages stand in for the weights within withAveragedWeights { }; update outside of it"
                    : "a parameter of shape \(parameter.shape) belongs to another optimiser by now, which was made later; an optimiser made "
                        + "anew takes it back, with running values that begin anew", file: file, line: line)
        }
    }

    /// Lets `averages`, laid out as this arena is, stand in for the parameters while `body` runs.
    func lending<Result>(_ averages: State, _ body: () throws -> Result) rethrows -> Result {
        let loan = Parameter.Loan()
        let returns = zip(parameters, offsets).map { $0.lend(averages, offset: $1, loan) }
        defer { for giveBack in returns { giveBack() } }
        return try body()
    }

    /// A number of each group as a tensor: of rank 0 where it is the same for all, else [count]; nil where it is
    /// `neutral` for all.
    ///
    /// It is computed from the place in the arena and takes no memory.
    func perGroup(_ number: (ParameterGroup) -> Double, neutral: Double) -> Tensor? {
        let numbers = groups.map(number)
        guard let first = numbers.first, numbers.contains(where: { $0 != neutral }) else { return nil }
        var result = Tensor(first, device: device)
        let place = Tensor.range(count, device: device)
        for index in numbers.indices.dropFirst() where numbers[index] != numbers[index - 1] {
            result = .select(place .>= Double(offsets[index]), Tensor(numbers[index], device: device), result)
        }
        return result
    }
}
