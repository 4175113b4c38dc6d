import Soma

extension Workload {
    /// What an operation costs before any work is done: 1,000 additions of 16 numbers, and one read.
    static let tinyAddsLazy = tinyAdds("us/op_lazy_one_eval", "µs lazy", "each of 1,000 additions of 16 numbers, computed together", launches: 1) { $0 }

    /// The same, computed one by one.
    static let tinyAddsEach = tinyAdds("us/op_eval_each", "µs each", "the same, computed one by one", launches: 1000) { try $0.realize() }

    private static func tinyAdds(
        _ metric: String, _ unit: String, _ summary: String, launches: Double, _ each: @escaping @Sendable (Tensor) throws -> Tensor
    ) -> Workload {
        Workload("tiny_adds", .time(per: 1000 * 1e-6, metric, unit: unit), summary, work: Work(launches: launches)) { _ in
            let (x, y) = (try Tensor.randomNormal([16]).realize(), try Tensor.randomNormal([16]).realize())
            return PreparedWork {
                var z = x
                for _ in 0..<1000 { z = try each(z + y) }
                _ = try z.scalars(as: Float.self)
            }
        }
    }

    /// What a user waits for before anything happens.
    static let startup = Workload(
        "startup", .time(per: 1, "s_import+first_mlp_step", unit: "s"), "from the start of a process to the end of its first training step"
    ) { device in
        PreparedWork { try Subprocess.runSelf(["bench", "--first-step", "--allow-debug", "--device", "\(device)"]) }
    }
}
