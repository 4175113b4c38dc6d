/// Parameters that an optimiser treats alike.
public struct ParameterGroup: Sendable {
    /// What is treated alike.
    public var parameters: [Parameter]
    /// What the learning rate is multiplied by.
    public var rateScale: Double
    /// λ; nil for the rule's.
    public var weightDecay: Double?
    /// Whether the parameters keep their bits: no gradient is taken for them.
    public var isFrozen: Bool

    /// Parameters with a treatment of their own; by default the usual one.
    public init(_ parameters: [Parameter], rateScale: Double = 1, weightDecay: Double? = nil, isFrozen: Bool = false) {
        (self.parameters, self.rateScale, self.weightDecay, self.isFrozen) = (
            parameters, rateScale, weightDecay, isFrozen
        )
    }
}

extension Module {
    /// Groups of this layer's parameters, each treated as `treatment` says for its name. Equal treatments become one
    /// group.
    public func parameterGroups(
        _ treatment: (_ name: String, _ parameter: Parameter) -> ParameterTreatment
    ) -> [ParameterGroup] {
        var order: [ParameterTreatment] = []
        var members: [ParameterTreatment: [Parameter]] = [:]
        for named in namedParameters {
            let key = treatment(named.name, named.parameter)
            if members[key] == nil { order.append(key) }
            members[key, default: []].append(named.parameter)
        }
        return order.map {
            ParameterGroup(
                members[$0] ?? [], rateScale: $0.rateScale, weightDecay: $0.weightDecay, isFrozen: $0.isFrozen)
        }
    }
}

/// How an optimiser treats a parameter.
public struct ParameterTreatment: Hashable, Sendable {
    /// What the learning rate is multiplied by.
    public var rateScale: Double
    /// λ in place of the rule's; `nil` leaves the rule's.
    public var weightDecay: Double?
    /// Whether nothing changes them.
    public var isFrozen: Bool

    /// The usual treatment but for what is given.
    public init(rateScale: Double = 1, weightDecay: Double? = nil, isFrozen: Bool = false) {
        (self.rateScale, self.weightDecay, self.isFrozen) = (rateScale, weightDecay, isFrozen)
    }

    /// The rule's own rate and decay.
    public static let usual = ParameterTreatment()
    /// Nothing changes.
    public static let frozen = ParameterTreatment(isFrozen: true)
    /// No weight decay, as is good for biases and the scales of normalisations.
    public static let undecayed = ParameterTreatment(weightDecay: 0)
}
