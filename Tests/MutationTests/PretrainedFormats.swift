import Glibc

@testable import Soma
@testable import SomaZoo

/// Files beside the weights of a model of `transformers`.
extension FileFormat {
    static let pretrainedConfiguration = FileFormat(
        name: "config.json of transformers",
        samples: [
            #"{"model_type":"gpt2","n_embd":8,"n_head":2,"n_layer":2,"n_inner":null,"n_positions":8,"vocab_size":11,"activation_function":"gelu_new"}"#,
            #"{"model_type":"llama","hidden_size":8,"intermediate_size":12,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"#
                + #""head_dim":4,"vocab_size":11,"max_position_embeddings":16,"rms_norm_eps":1e-5,"rope_parameters":{"rope_type":"llama3","#
                + #""rope_theta":1e4,"factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8}}"#,
        ].map { Array($0.utf8) },
        tokens: [#""n_head":"#, #""head_dim":"#, #""rope_scaling":{"#, #""type":"linear""#, "null", "1e9", "9223372036854775807", "0", "-1"]
            .map { Array($0.utf8) }
    ) { path, _ in
        // Of sizes that a test can make.
        switch try PretrainedConfiguration(path: path) {
        case .gpt(let found) where found.layers <= 4: _ = withDevice(.recording()) { withoutInitialization { GPT(found) } }
        case .llama(let found) where found.layers <= 4 && found.context * found.headSize <= 1 << 16:
            _ = withDevice(.recording()) { withoutInitialization { Llama(found) } }
        case .gpt, .llama: break
        }
    }

    static let weightIndex = FileFormat(
        name: "index of weights", samples: [#"{"metadata":{"total_size":8},"weight_map":{"a":"x.safetensors","b":"y.safetensors"}}"#].map { Array($0.utf8) },
        tokens: [#""weight_map":{"#, #""x.safetensors""#, #""y.safetensors""#, #""a":"#, #""../"#, #""""#, "\\u0000", "\u{301}"].map { Array($0.utf8) }
    ) { path, _ in
        let folder = PathText.folder(of: path)
        rename(path, "\(folder)/model.safetensors.index.json")
        for name in ["a", "b"] {
            let tensor = SafetensorsFile.Tensor(name: name, elementType: .float32, shape: [1])
            try SafetensorsFile.write([(tensor, [0, 0, 0, 0])], metadata: [:], to: "\(folder)/\(name == "a" ? "x" : "y").safetensors")
        }
        let names = try WeightFolder(path: folder).tensors.map(\.name)
        guard !names.isEmpty, Set(names).isSubset(of: ["a", "b"]) else { throw Contradiction("a tensor of no file") }
    }
}
