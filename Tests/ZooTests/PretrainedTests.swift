import Foundation
import Soma
import SomaReference
import SomaZoo
import Testing

/// Models that `transformers` wrote, with its logits: fixtures/pretrained and pretrained.json, by make_pretrained.py.
@Suite struct PretrainedTests {
    private static let fixtures = #filePath.replacing("PretrainedTests.swift", with: "fixtures")
    private static let names = ["gpt2", "gpt2-bare", "llama-sharded", "llama-tied"]
    private static let devices = ["interpreter", "cpu"]

    private static func folder(_ name: String) -> String { "\(fixtures)/pretrained/\(name)" }

    private static func answer(_ name: String) throws -> JSON {
        try #require(JSON(edited: [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(fixtures)/pretrained.json"))))[name])
    }

    private static func device(_ name: String) throws -> Device { name == "cpu" ? try Device.named("cpu") : Device(running: InterpretingBackend()) }

    @Test(arguments: names, devices) func logitsAreThoseOfTransformers(_ name: String, _ device: String) throws {
        let answer = try Self.answer(name)
        try withDevice(Self.device(device)) {
            let network = try PretrainedFolder(path: Self.folder(name)).network()
            let rows = (answer["tokens"]?.array ?? []).map { row in (row.array ?? []).map { Int32($0.integer ?? -1) } }
            let logits = network(Tensor(rows))
            let wanted = (answer["logits"]?.array ?? []).map { $0.double ?? .nan }
            #expect(logits.shape.dimensions == answer["shape"]?.array?.map { $0.integer ?? 0 })
            #expect(network.parameters.reduce(0) { $0 + $1.shape.count } == answer["parameters"]?.integer)
            let numbers: [Double] = try logits.scalars()
            #expect(numbers.count == wanted.count && zip(numbers, wanted).allSatisfy { abs($0 - $1) < 1e-4 })
            #expect(network.vocabulary == wanted.count / (rows.count * rows[0].count))
        }
    }

    @Test func theTokenizerBesideTheWeights() throws {
        let answer = try Self.answer("gpt2")
        let folder = try PretrainedFolder(path: Self.folder("gpt2"))
        let tokens = try folder.tokenizer().encode(answer["text"]?.string ?? "")
        #expect(tokens.map { Int($0) } == answer["tokens"]?.array?.first?.array?.map { $0.integer ?? -1 })
        #expect(throws: SomaError.self) { try PretrainedFolder(path: Self.folder("gpt2-bare")).tokenizer() }
    }

    /// What a folder says where something of it is changed.
    private static func refusal(_ name: String, _ change: (_ folder: String) throws -> Void) throws -> String {
        let folder = NSTemporaryDirectory() + "soma-pretrained-\(UUID().uuidString)"
        try FileManager.default.copyItem(atPath: Self.folder(name), toPath: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try change(folder)
        do {
            _ = try withDevice(Device.named("cpu")) { try PretrainedFolder(path: folder).network() }
            return "no refusal"
        } catch let error as SomaError { return error.description }
    }

    private static func edit(_ file: String, _ old: String, _ new: String) throws {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains(old))
        try text.replacing(old, with: new).write(toFile: file, atomically: true, encoding: .utf8)
    }

    @Test(arguments: [
        ("gpt2", "\"gpt2\"", "\"mistral\"", "a model of the type 'mistral'; gpt2 and llama are read"),
        ("gpt2", "\"model_type\"", "\"kind\"", "it has no model_type"),
        ("gpt2", "\"n_embd\"", "\"width\"", "it has no n_embd"),
        ("gpt2", "\"n_layer\": 2", "\"n_layer\": -2", "its n_layer cannot be -2"),
        ("gpt2", "\"n_layer\": 2", "\"n_layer\": 9000000", "its n_layer cannot be 9000000"),
        ("gpt2", "\"n_layer\": 2", "\"n_layer\": 1", "has 'transformer.h.1."),
        ("gpt2", "\"n_layer\": 2", "\"n_layer\": 3", "lacks 'h.2.ln_1.weight'"),
        ("gpt2", "\"n_inner\": null", "\"n_inner\": 31", "'h.0.mlp.c_fc.weight' is F32 [8, 32] before it is transposed"),
        ("gpt2", "\"n_head\": 2", "\"n_head\": 3", "3 heads do not divide 8 features"),
        ("gpt2", "gelu_new", "swish", "its activation_function 'swish'"),
        ("gpt2", "\"scale_attn_weights\": true", "\"scale_attn_weights\": false", "its scale_attn_weights is false"),
        ("gpt2", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", "lacks 'lm_head.weight'"),
        ("gpt2", "{", "", "is of no use here"),
        ("llama-tied", "\"llama3\"", "\"yarn\"", "its scaling of rotary positions 'yarn' is not computed here; linear and llama3 are"),
        ("llama-tied", "\"factor\"", "\"times\"", "it has no factor"),
        ("llama-tied", "\"head_dim\": 4", "\"head_dim\": 3", "heads of 3 features have no pairs"),
        ("llama-tied", "\"silu\"", "\"gelu\"", "its hidden_act 'gelu'"),
        ("llama-tied", "\"num_key_value_heads\": 1", "\"num_key_value_heads\": 2", "3 heads of queries are no multiple of 2"),
        ("llama-tied", "\"max_position_embeddings\": 64", "\"max_position_embeddings\": 16777216", "the angles of 16777216 places"),
        ("llama-tied", "\"vocab_size\": 9", "\"vocab_size\": 9, \"quantization_config\": {}", "the weights are quantised"),
    ]) func aConfigurationThatIsRefused(_ name: String, _ old: String, _ new: String, _ words: String) throws {
        let text = try Self.refusal(name) { try Self.edit("\($0)/config.json", old, new) }
        #expect(text.contains(words), "\(text)")
    }

    /// Before version 5 of `transformers` the base lay beside the scaling.
    @Test func anOlderConfiguration() throws {
        let folder = NSTemporaryDirectory() + "soma-config-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try """
            {"model_type": "llama", "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 11,
             "max_position_embeddings": 16, "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}, "rms_norm_eps": 1e-5}
            """.write(toFile: folder, atomically: true, encoding: .utf8)
        let wanted = Llama.Configuration(
            vocabulary: 11, context: 16, layers: 2, heads: 4, width: 8, hidden: 12, base: 5e5, scaling: .linear(factor: 2))
        #expect(try PretrainedConfiguration(path: folder) == .llama(wanted))
    }

    @Test func filesThatAreMissingOrWrong() throws {
        let second = "model-00002-of-00003.safetensors"
        func refusal(_ change: (String) throws -> Void) throws -> String { try Self.refusal("llama-sharded", change) }
        let files = FileManager.default
        let missing = try refusal { try files.removeItem(atPath: "\($0)/\(second)") }
        #expect(missing.contains("\(second) is missing, which model.safetensors.index.json names"), "\(missing)")
        let short = try refusal { try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\($0)/\(second)")) }
        #expect(short.contains(second) && short.contains("it has 3 bytes"), "\(short)")
        let twice = try refusal {
            try files.removeItem(atPath: "\($0)/\(second)")
            try files.copyItem(atPath: "\($0)/model-00001-of-00003.safetensors", toPath: "\($0)/\(second)")
        }
        #expect(twice.contains("is in ") && twice.contains("model-00001"), "\(twice)")
        let index = "model.safetensors.index.json"
        let lying = try refusal { try Self.edit("\($0)/\(index)", "\"model.norm.weight\"", "\"model.norm.scale\"") }
        #expect(lying.contains("has no tensor 'model.norm.scale'"), "\(lying)")
        let outside = try refusal { try Self.edit("\($0)/\(index)", "\"\(second)\"", "\"../\(second)\"") }
        #expect(outside.contains("no name of a file beside it"), "\(outside)")
        let empty = try refusal { try Self.edit("\($0)/\(index)", "weight_map", "map") }
        #expect(empty.contains("it has no weight_map"), "\(empty)")
        let none = try Self.refusal("gpt2") { try files.removeItem(atPath: "\($0)/model.safetensors") }
        #expect(none.contains("has no weights, neither model.safetensors nor model.safetensors.index.json"), "\(none)")
    }
}
