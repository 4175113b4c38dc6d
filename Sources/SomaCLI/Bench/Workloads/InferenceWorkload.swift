import Soma
import SomaZoo

/// A network that tells what pictures show.
struct InferenceWorkload: Sendable {
    /// The batches that are measured where none are named.
    static let batches = [1, 32, 128]

    static let all = [
        InferenceWorkload(name: "lenet", title: "LeNet-5", image: [1, 28, 28]) { LeNet() },
        InferenceWorkload(name: "alexnet", title: "AlexNet of 2014", image: [3, 224, 224]) { AlexNet(variant: .year2014) },
        InferenceWorkload(name: "resnet18", title: "ResNet-18", image: [3, 224, 224]) { ResNet.resNet18() },
    ]

    let name: String
    let title: String
    /// [C, H, W].
    let image: [Int]
    let model: @Sendable () -> any Layer

    /// How many pictures a second, in batches that are asked for one after the other; and how long one picture takes that is waited for.
    func workloads(batches: [Int]) -> [Workload] {
        var latency = Workload("latency_\(name)", .time(per: 1e-3, "ms", unit: "ms"), "\(title) on one image, from the call to its answer") {
            try prepared($0, batch: 1, waits: true)
        }
        latency.batch = 1
        return [latency] + batches.map { batch in
            var workload = Workload(
                "infer_\(name)", .rate(Double(batch), "images/s"), "\(title) on images of \(image[1])×\(image[2]), batch after batch"
            ) { try prepared($0, batch: batch, waits: false) }
            (workload.batch, workload.takesBatches) = (batch, true)
            return workload
        }
    }

    private func prepared(_ device: Device, batch: Int, waits: Bool) throws -> PreparedWork {
        let model = model()
        let x = try Tensor.randomNormal(Shape([batch] + image)).realize()
        let step = compiled { x in withInference { model(x) } }
        let parameterCount = model.parameters.reduce(0) { $0 + $1.tensor.count }
        func work() -> Work {
            Work(operations: step.programs.reduce(0) { $0 + $1.productOperations }, bytesRead: 4 * Double(parameterCount + x.count))
        }
        return waits
            ? PreparedWork(call: { _ = try step(x).scalars(as: Float.self) }, work: work)
            : PreparedWork(call: { _ = try step(x) }, finish: device.synchronize, work: work)
    }
}
