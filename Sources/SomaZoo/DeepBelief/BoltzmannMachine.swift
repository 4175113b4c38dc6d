import Soma

/// A restricted Boltzmann machine: binary units v that are seen and h that are hidden, each joined to each of the other kind, with
/// p(v, h) ∝ exp(h · W v + h · b + v · a).
///
/// Numbers from 0 to 1 that are seen count as probabilities of a unit. W and b are those of a layer of sigmoid units, so that a network that has
/// the layer is pre-trained by this. G. Hinton, *Training Products of Experts by Minimizing Contrastive Divergence*, Neural Computation, 2002.
struct BoltzmannMachine: Module {
    /// W [hidden, visible] and b [hidden].
    let layer: Linear
    /// a [visible].
    let visibleBias: Parameter

    init(_ layer: Linear, visibleBias: Parameter) { (self.layer, self.visibleBias) = (layer, visibleBias) }

    /// p(h = 1 | v): [N, visible] → [N, hidden].
    func hidden(_ visible: Tensor) -> Tensor { sigmoid(layer(visible)) }

    /// p(v = 1 | h): [N, hidden] → [N, visible].
    func visible(_ hidden: Tensor) -> Tensor { sigmoid(matmul(hidden, layer.weight.tensor) + visibleBias.tensor) }

    /// Units that are 1 with the given probabilities, else 0.
    static func sample(_ probabilities: Tensor) -> Tensor {
        (Tensor.randomUniform(probabilities.shape, device: probabilities.device) .< probabilities).as(.float32)
    }
}

/// Deep networks of sigmoid units that read digits: one pre-trained layer by layer, and others for comparison.
struct DeepBeliefNetworks: Module {
    /// Its hidden layers are pre-trained.
    let pretrained: MLP
    /// The same network, trained from random weights.
    let random: MLP
    /// Rectifiers in place of sigmoids, with weights of variance 2 / inputs, from random weights.
    let rectified: MLP
    /// The biases of what each hidden layer sees, for reconstructions.
    let visibleBiases: [Parameter]
    /// Of each hidden layer of a network ‖∂loss/∂W‖ before it is trained by classes; all 0 until then.
    let pretrainedNorms: State
    let randomNorms: State
    let rectifiedNorms: State
    /// The hidden units of the chains of persistent contrastive divergence, for each layer; none without these.
    let chains: [State]

    init(pixels: Int, hidden: [Int], initialization: Initialization, chainCount: Int?) {
        let sizes = [pixels] + hidden + [DigitClasses.names.count]
        pretrained = MLP(sizes, activation: .sigmoid, initialization: .small)
        random = MLP(sizes, activation: .sigmoid, initialization: initialization)
        rectified = MLP(sizes, activation: .relu, initialization: .he)
        visibleBiases = sizes.dropLast(2).map { Parameter(Tensor.zeros([$0])) }
        func norms() -> State { State(Tensor.zeros([hidden.count])) }
        (pretrainedNorms, randomNorms, rectifiedNorms) = (norms(), norms(), norms())
        chains = chainCount.map { count in hidden.map { State(Tensor.zeros([count, $0])) } } ?? []
    }

    /// The machine whose hidden units are the layer `number` of the pre-trained network, from 0.
    func machine(_ number: Int) -> BoltzmannMachine {
        BoltzmannMachine(pretrained.hidden[number], visibleBias: visibleBiases[number])
    }

    /// What the layer `number` sees of pixels [N, pixels].
    func input(of number: Int, _ pixels: Tensor) -> Tensor { (0..<number).reduce(pixels) { machine($1).hidden($0) } }

    /// Pixels that went up to the layer `number` and came down again.
    func reconstruction(through number: Int, _ pixels: Tensor) -> Tensor {
        (0...number).reversed().reduce(input(of: number + 1, pixels)) { machine($1).visible($0) }
    }
}
