import SomaZoo

/// All workloads, by name.
enum WorkloadList {
    /// - Parameter batches: those of the workloads whose batch can be chosen.
    static func all(batches: [Int] = InferenceWorkload.batches) -> [Workload] {
        [256, 512, 1024, 2048, 4096].map(Workload.gemm) + [
            .conv3x3Forward, .conv3x3InputGradient, .conv3x3FilterGradient, .conv7x7Forward, .depthwiseForward, .chain, .sum, .copy, .softmax,
            .layerNorm, .trainMLP, .trainLeNet, .trainResNet20, .trainResNet18, .trainLSTM, .trainGPT, .trainDCGAN,
            .generateGPT, .generateGPT2,
        ] + InferenceWorkload.all.flatMap { $0.workloads(batches: batches) } + [.tinyAddsLazy, .tinyAddsEach, .startup]
    }

    /// One for each name.
    static var help: String {
        var seen: Set<String> = []
        return all().filter { seen.insert($0.name + $0.metric.name).inserted }
            .map { Prose.wrapped("\($0.name): \($0.summary), \($0.metric.unit)", indents: (2, 4), width: HelpWidth.ofLists) }.joined(separator: "\n")
    }

    /// The workloads of a list with commas; `gemm_*` stands for all that begin so, `all` for every one but those that only a GPU is for.
    /// - Throws: `UsageError` for a name that there is not, and for an empty one.
    static func named(_ list: String, batches: [Int]? = nil) throws -> [Workload] {
        let all = all(batches: batches ?? InferenceWorkload.batches)
        if list == "all" { return all.filter { !$0.isLarge } }
        var names = all.map(\.name)
        names = names.indices.filter { names.firstIndex(of: names[$0]) == $0 }.map { names[$0] }
        var chosen: Set<String> = []
        for pattern in list.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
            let matches = pattern.isEmpty ? [] : names.filter { Self.matches($0, pattern) }
            if matches.isEmpty { throw UsageError(unknown: "workload", pattern, among: names) }
            chosen.formUnion(matches)
        }
        return all.filter { chosen.contains($0.name) }
    }

    /// Whether `named` would take a row's workload, were it still there.
    static func isNamed(_ row: BenchRow.Key, in list: String, batches: [Int]?) -> Bool {
        let batches = batches ?? InferenceWorkload.batches
        let isChosen = all(batches: batches).contains { $0.name == row.workload && $0.takesBatches }
        if isChosen, let batch = row.batch, !batches.contains(batch) { return false }
        if list != "all" { return list.split(separator: ",").contains { matches(row.workload, String($0)) } }
        return !all(batches: batches).contains { $0.name == row.workload && $0.batch == row.batch && $0.isLarge }
    }

    /// Whether a word of such a list stands for `name`.
    static func matches(_ name: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }
}
