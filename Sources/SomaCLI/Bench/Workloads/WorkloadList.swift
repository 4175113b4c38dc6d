import SomaZoo

/// All workloads, by name.
enum WorkloadList {
    /// - Parameter batches: those of the workloads whose batch can be chosen.
    static func all(batches: [Int] = InferenceWorkload.batches) -> [Workload] {
        [256, 512, 1024, 2048, 4096].map(Workload.gemm) + [
            .conv3x3Forward, .conv3x3InputGradient, .conv3x3FilterGradient, .conv7x7Forward, .depthwiseForward, .chain, .sum, .copy, .softmax,
            .layerNorm, .trainMLP, .trainLeNet, .trainResNet20, .trainResNet18, .trainLSTM, .trainGPT, .trainDCGAN,
        ] + InferenceWorkload.all.flatMap { $0.workloads(batches: batches) } + [.tinyAddsLazy, .tinyAddsEach, .startup]
    }

    /// One for each name.
    static var help: String {
        var seen: Set<String> = []
        return all().filter { seen.insert($0.name + $0.metric.name).inserted }
            .map { Prose.wrapped("\($0.name): \($0.summary), \($0.metric.unit)", indents: (2, 4)) }.joined(separator: "\n")
    }

    /// The workloads of a list with commas; `gemm_*` stands for all that begin so, `all` for every one but those that only a GPU is for.
    /// - Throws: `UsageError` for a name that there is not.
    static func named(_ list: String, batches: [Int]? = nil) throws -> [Workload] {
        let all = all(batches: batches ?? InferenceWorkload.batches)
        if list == "all" { return all.filter { !$0.isLarge } }
        var names = all.map(\.name)
        names = names.indices.filter { names.firstIndex(of: names[$0]) == $0 }.map { names[$0] }
        var chosen: Set<String> = []
        for pattern in list.split(separator: ",").map(String.init) {
            let matches = names.filter { pattern.hasSuffix("*") ? $0.hasPrefix(pattern.dropLast()) : $0 == pattern }
            if matches.isEmpty { throw UsageError(unknown: "workload", pattern, among: names) }
            chosen.formUnion(matches)
        }
        if chosen.isEmpty { throw UsageError("--workload names none; there are \(names.joined(separator: ", "))") }
        return all.filter { chosen.contains($0.name) }
    }
}
