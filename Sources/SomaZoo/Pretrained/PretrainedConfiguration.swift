import Soma

/// What network the `config.json` of a model of `transformers` describes.
public enum PretrainedConfiguration: Hashable, Sendable {
    /// The decoder of GPT-2: `"model_type": "gpt2"`.
    case gpt(GPT.Configuration)
    /// The decoder of Llama: `"model_type": "llama"`.
    case llama(Llama.Configuration)

    /// Larger files are refused.
    static let mostBytes = 1 << 20

    /// Reads a `config.json`.
    /// - Throws: `SomaError` naming the file where it is missing or broken, describes another kind of network, lacks something, or asks for what the
    ///   networks here do not compute.
    public init(path: String) throws {
        let bytes = try SmallFile.read(path, limit: Self.mostBytes)
        do { try self.init(JSON(edited: bytes)) } catch let error as SomaError {
            throw SomaError("\(path) is of no use here: \(error.message)", hint: error.hint)
        }
    }

    private init(_ json: JSON) throws {
        let fields = PretrainedFields(json)
        guard json.members != nil else { throw SomaError("it is not a JSON object") }
        guard fields["quantization_config"] == nil else { throw SomaError("the weights are quantised") }
        switch fields["model_type"]?.string {
        case "gpt2": self = .gpt(try GPT.Configuration(fields))
        case "llama": self = .llama(try Llama.Configuration(fields))
        case nil: throw SomaError("it has no model_type")
        case let type?: throw SomaError("it describes a model of the type '\(type)'", hint: "gpt2 and llama are read")
        }
    }
}

extension GPT.Configuration {
    fileprivate init(_ fields: PretrainedFields) throws {
        try fields.require("scale_attn_weights", true)
        try fields.require("scale_attn_by_inverse_layer_idx", false)
        try fields.require("add_cross_attention", false)
        let activation: FeedForwardActivation =
            switch fields["activation_function"]?.string ?? "gelu_new" {
            case "gelu_new", "gelu_pytorch_tanh": .geluTanh
            case "gelu": .gelu
            case "relu": .relu
            case let other: throw SomaError("its activation_function '\(other)' is not there for GPT-2")
            }
        let width = try fields.count("n_embd")
        try self.init(
            vocabulary: fields.count("vocab_size"), context: fields.count("n_positions", or: fields["n_ctx"]?.integer),
            layers: fields.count("n_layer", atMost: 4096), heads: fields.count("n_head"), width: width,
            hidden: fields.count("n_inner", or: 4 * width), dropout: fields.number("resid_pdrop", or: 0.1),
            epsilon: fields.number("layer_norm_epsilon", or: 1e-5),
            isTied: fields.flag("tie_word_embeddings", or: true), activation: activation)
        guard width % heads == 0 else { throw SomaError("\(heads) heads do not divide \(width) features") }
        guard dropout < 1 else { throw SomaError("its resid_pdrop cannot be \(dropout)") }
        guard epsilon > 0 else { throw SomaError("its layer_norm_epsilon cannot be \(epsilon)") }
    }
}

extension Llama.Configuration {
    fileprivate init(_ fields: PretrainedFields) throws {
        let activation = fields["hidden_act"]?.string ?? "silu"
        guard activation == "silu" else { throw SomaError("its hidden_act '\(activation)' is not there for Llama") }
        // Since version 5 of transformers in one object, before beside it.
        let rotary = PretrainedFields(fields["rope_parameters"] ?? fields["rope_scaling"] ?? .object([]))
        guard try rotary.number("partial_rotary_factor", or: fields.number("partial_rotary_factor", or: 1)) == 1 else {
            throw SomaError("its rotary positions turn only a part of each head")
        }
        let (width, heads) = (try fields.count("hidden_size"), try fields.count("num_attention_heads"))
        try self.init(
            vocabulary: fields.count("vocab_size"), context: fields.count("max_position_embeddings"),
            layers: fields.count("num_hidden_layers", atMost: 4096), heads: heads, keyHeads: fields.count("num_key_value_heads", or: heads),
            width: width, headSize: fields.count("head_dim", or: width % heads == 0 ? width / heads : nil),
            hidden: fields.count("intermediate_size"),
            epsilon: fields.number("rms_norm_eps", or: 1e-6), base: rotary.number("rope_theta", or: fields.number("rope_theta", or: 10_000)),
            scaling: Self.scaling(rotary), isTied: fields.flag("tie_word_embeddings", or: false),
            hasAttentionBias: fields.flag("attention_bias", or: false), hasFeedForwardBias: fields.flag("mlp_bias", or: false))
        guard heads % keyHeads == 0 else { throw SomaError("\(heads) heads of queries are no multiple of \(keyHeads) heads of keys") }
        guard headSize % 2 == 0 else { throw SomaError("heads of \(headSize) features have no pairs to turn") }
        guard heads * headSize <= 1 << 24 else { throw SomaError("its head_dim cannot be \(headSize) with \(heads) heads") }
        guard epsilon > 0, base > 0 else { throw SomaError("neither rms_norm_eps nor rope_theta can be 0") }
        guard context * headSize <= 1 << 25 else { throw SomaError("the angles of \(context) places would take too much memory") }
    }

    private static func scaling(_ rotary: PretrainedFields) throws -> RotaryPositions.Scaling? {
        switch rotary["rope_type"]?.string ?? rotary["type"]?.string ?? "default" {
        case "default": return nil
        case "linear": return .linear(factor: try factor(rotary))
        case "llama3":
            let (low, high) = (try rotary.number("low_freq_factor"), try rotary.number("high_freq_factor"))
            guard low < high else { throw SomaError("its low_freq_factor \(low) is not below its high_freq_factor \(high)") }
            return .llama3(factor: try factor(rotary), low: low, high: high, context: try rotary.count("original_max_position_embeddings"))
        case let other: throw SomaError("its scaling of rotary positions '\(other)' is not computed here", hint: "linear and llama3 are")
        }
    }

    private static func factor(_ rotary: PretrainedFields) throws -> Double {
        let factor = try rotary.number("factor")
        guard factor >= 1 else { throw SomaError("its factor of rotary positions cannot be \(factor)") }
        return factor
    }
}

/// The members of a JSON object by name; one that is null is not there.
private struct PretrainedFields {
    private let json: JSON

    init(_ json: JSON) { self.json = json }

    subscript(name: String) -> JSON? { json[name].flatMap { $0 == .null ? nil : $0 } }

    /// A whole number in 1 ... `most`: larger ones are mistakes, and products of these do not overflow.
    func count(_ name: String, or standard: @autoclosure () -> Int? = nil, atMost most: Int = 1 << 24) throws -> Int {
        guard let value = self[name] ?? standard().map({ JSON($0) }) else { throw SomaError("it has no \(name)") }
        guard let count = value.integer, (1...most).contains(count) else { throw SomaError("its \(name) cannot be \(value)") }
        return count
    }

    /// A finite number that is not negative.
    func number(_ name: String, or standard: @autoclosure () throws -> Double? = nil) throws -> Double {
        guard let value = self[name] else {
            guard let standard = try standard() else { throw SomaError("it has no \(name)") }
            return standard
        }
        guard let number = value.double, number.isFinite, number >= 0 else { throw SomaError("its \(name) cannot be \(value)") }
        return number
    }

    func flag(_ name: String, or standard: Bool) throws -> Bool {
        switch self[name] {
        case nil: return standard
        case .bool(let flag)?: return flag
        case let other?: throw SomaError("its \(name) cannot be \(other)")
        }
    }

    func require(_ name: String, _ wanted: Bool) throws {
        guard try flag(name, or: wanted) == wanted else { throw SomaError("its \(name) is \(!wanted), which is not computed here") }
    }
}
