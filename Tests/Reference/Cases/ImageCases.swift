import Soma
import SomaGraph

extension OperationCase {
    static let images: [OperationCase] = [
        OperationCase("nearest up-sampling", .sample([2, 1, 2, 3])) { $0[0].upsampled(by: [2]) * 2 },
        OperationCase("nearest up-sampling of an expression, factors of each axis", .sample([1, 2, 2, 2])) {
            exp($0[0]).upsampled(by: [3, 1])
        },
        OperationCase("nearest up-sampling by a large factor", .sample([1, 1, 2, 3])) { $0[0].upsampled(by: [1, 9]) },
        OperationCase("nearest up-sampling to any extent", .sample([1, 2, 3, 4])) { $0[0].upsampled(to: [5, 8]) },
        OperationCase("nearest down-sampling", .sample([2, 1, 7])) { $0[0].upsampled(to: [3]) },
        OperationCase("nearest up-sampling of nothing", .sample([0, 2, 3])) { $0[0].upsampled(to: [4]) },
        OperationCase("bilinear up-sampling", .sample([1, 2, 3, 2]), terms: 4) { $0[0].upsampled(by: [2], .linear()) },
        OperationCase("bilinear up-sampling, corners aligned", .sample([2, 1, 2, 3]), terms: 4) {
            $0[0].upsampled(to: [5, 4], .linear(alignsCorners: true))
        },
        OperationCase("bilinear resampling of many channels", .sample([1, 33, 9, 7]), differentiable: false, terms: 4) {
            $0[0].upsampled(to: [4, 31], .linear())
        },
        OperationCase("linear up-sampling of nothing", .sample([2, 0, 3])) { $0[0].upsampled(to: [4], .linear()) },
        OperationCase("pixel shuffle", .sample([1, 8, 2, 3])) { $0[0].pixelShuffled(2) * 2 },
        OperationCase("pixel shuffle of an expression", .sample([2, 3, 2])) { tanh($0[0]).pixelShuffled(3) },
        OperationCase("pixel unshuffle", .sample([1, 2, 4, 2])) { $0[0].pixelUnshuffled(2) * 2 },
        OperationCase("local response normalisation", .sample([1, 5, 2, 2]), terms: 3) {
            $0[0].localResponseNormalized(size: 3, alpha: 1.5, k: 2)
        },
        OperationCase("local response normalisation, even window beyond the channels", .sample([2, 3, 2]), terms: 4) {
            $0[0].localResponseNormalized(size: 4, alpha: 2, beta: 0.5)
        },
        OperationCase("local response normalisation of many channels", .sample([2, 33, 3, 5]), differentiable: false, terms: 5) {
            $0[0].localResponseNormalized(size: 5, alpha: 0.5)
        },
    ]
}
