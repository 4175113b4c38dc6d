import SomaGraph
import Synchronization

/// Additions of low rank to the weights of a model's `Linear` layers, which are trained in their place: y = W x + b becomes y = W x + b + α/r · B A
/// x, with A [r, inputs] and B [outputs, r].
///
/// ```swift
/// let additions = LowRankAdditions(to: network, rank: 8, alpha: 16) { $0.contains("attn") }
/// let optimizer = try Optimizer(AdamW(), for: additions, learningRate: 1e-3)
/// …
/// try Checkpoint.write(additions, to: "additions.safetensors")
/// additions.merge()
/// ```
///
/// The model computes with them as soon as they are made; B is 0 at first, so nothing changes until they are trained. They are a module of their own:
/// an optimiser for it takes gradients with respect to A and B alone, and moments of these alone, and a checkpoint of it holds nothing else. The
/// model's own parameters keep their bits, names and files. Weights that are no `Linear` layer's, such as the table of an embedding, get none.
///
/// Make them before steps are captured: a step that was captured without them goes on without.
///
/// E. Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, ICLR 2022. Names are those of `peft` behind its `base_model.model.`: the path
/// of the layer with `.lora_A.weight` and `.lora_B.weight`.
public struct LowRankAdditions: Module, CustomReflectable {
    /// r.
    public let rank: Int
    private let members: [(path: String, layer: Linear, addition: LowRankAddition)]

    /// A is uniform on ±1/√inputs at first and B is 0. Traps where the rank is not positive, no layer is chosen, or one has an addition already.
    /// - Parameters:
    ///   - alpha: α; the rank unless named, so that B A is added as it is.
    ///   - isChosen: whether the layer that a path of properties leads to gets one.
    public init(
        to model: some Module, rank: Int, alpha: Double? = nil, file: StaticString = #fileID, line: UInt = #line,
        where isChosen: (_ path: String) -> Bool = { _ in true }
    ) {
        guard rank > 0 else { programError("LowRankAdditions", "a rank of \(rank)", file: file, line: line) }
        var seen: Set<ObjectIdentifier> = []
        let chosen = ModelContents(of: model).linears.filter { isChosen($0.path) && seen.insert(ObjectIdentifier($0.layer.addition)).inserted }
        guard !chosen.isEmpty else { programError("LowRankAdditions", "no Linear layer of \(type(of: model)) is chosen", file: file, line: line) }
        self.rank = rank
        members = chosen.map { path, layer in
            let addition = LowRankAddition(to: layer.weight, rank: rank, scale: (alpha ?? Double(rank)) / Double(rank))
            guard layer.addition.fill(addition) else {
                programError("LowRankAdditions", "'\(path)' has an addition already: merge or detach that first", file: file, line: line)
            }
            return (path, layer, addition)
        }
    }

    /// Adds α/r · B A to the weights and sets B to 0: the model computes what it did with the additions, and has none any more. A second call does
    /// nothing.
    public func merge() {
        for (_, layer, addition) in members where layer.addition.empty(of: addition) {
            layer.weight.assign(layer.weight.tensor + addition.product)
            // Steps that were captured with the addition go on adding it.
            addition.second.assign(.zeros(addition.second.shape, device: addition.second.tensor.device))
        }
    }

    /// Takes the additions away: the model computes with its own weights again. Steps that were captured before go on with them.
    public func detach() {
        for (_, layer, addition) in members { _ = layer.addition.empty(of: addition) }
    }

    /// `…lora_A.weight` and `…lora_B.weight` behind the path of each layer.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: members.flatMap { path, _, addition in
                [("lora_A.weight", addition.first), ("lora_B.weight", addition.second)].map { name, parameter in
                    (label: (path.isEmpty ? name : "\(path).\(name)") as String?, value: parameter as Any)
                }
            })
    }
}

/// An addition to one weight.
struct LowRankAddition: Sendable {
    /// A and B.
    let first, second: Parameter
    private let scale: Double

    init(to weight: Parameter, rank: Int, scale: Double) {
        let (inputs, outputs, device) = (weight.shape[1], weight.shape[0], weight.tensor.device)
        first = Parameter(Initializer.uniformByInputs(shape: [rank, inputs], fan: Fan(inputs: inputs, outputs: rank), device: device))
        second = Parameter(.zeros([outputs, rank], device: device))
        self.scale = scale
    }

    /// What is added for x [..., inputs]: [..., outputs].
    func callAsFunction(_ x: Tensor) -> Tensor { matmul(matmul(x, first.tensor.transposed()) * scale, second.tensor.transposed()) }

    /// What is added to the weight: [outputs, inputs].
    var product: Tensor { matmul(second.tensor * scale, first.tensor) }
}

/// Where a layer looks for an addition to its weight.
final class LowRankSlot: Sendable {
    private let addition = Mutex<LowRankAddition?>(nil)

    var content: LowRankAddition? { addition.withLock { $0 } }

    /// Whether there was none before.
    func fill(_ new: LowRankAddition) -> Bool {
        addition.withLock {
            guard $0 == nil else { return false }
            $0 = new
            return true
        }
    }

    /// Whether it was this one.
    func empty(of old: LowRankAddition) -> Bool {
        addition.withLock {
            guard $0?.first === old.first else { return false }
            $0 = nil
            return true
        }
    }
}
