import SomaGraph

/// A function from tensor to tensor with parameters to be trained.
///
/// ```swift
/// struct MLP: Layer {
///     let hidden = Linear(from: 784, to: 512)
///     let output = Linear(from: 512, to: 10)
///     func callAsFunction(_ x: Tensor) -> Tensor { output(relu(hidden(x))) }
/// }
/// ```
///
/// Its parameters are found and named as those of any `Module` are.
public protocol Layer: Module {
    /// The result for a batch x, whose first axis counts samples unless the layer says otherwise. Nothing is computed yet; traps where x has a shape
    /// or dtype that the layer does not take.
    func callAsFunction(_ x: Tensor) -> Tensor
}
