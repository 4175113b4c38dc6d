import Soma
import SomaZoo

@main struct FineTuning {
    static func main() throws {
        let (weights, pictures) = (CommandLine.arguments[1], CommandLine.arguments[2])
        let trunk: ParameterTreatment = CommandLine.arguments.contains("whole") ? ParameterTreatment(rateScale: 0.1) : .frozen
        let folder = try ImageFolder(path: pictures, validationFraction: 0.25, seed: 1)
        let training = folder.training([RandomResizedCrop(64), RandomHorizontalFlip(), Normalize.imageNet], seed: 1)
        let heldOut = folder.validation([Resize(shorterSide: 72), CentreCrop(64), Normalize.imageNet])

        let model = ResNet.resNet18(classes: folder.classes.count)
        print(try Checkpoint(path: weights).restore(model, matching: .whatFits))
        let groups = model.parameterGroups { name, _ in name.hasPrefix("fc.") ? .usual : trunk }
        let optimizer = try Optimizer(SGD(momentum: 0.9), groups: groups, learningRate: 0.02)
        let trainer = Trainer(model, Classification(model), optimizer, .init(epochs: 6, batchSize: 8, seed: 1))
        try trainer.run(on: training, evaluatingOn: heldOut) { event in
            guard case .epoch(let summary) = event else { return }
            print("epoch \(summary.epoch + 1): loss \(summary.loss), accuracy \(summary.evaluation?["accuracy"] ?? .nan)")
        }
    }
}
