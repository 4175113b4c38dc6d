import SomaGraph

/// What keeps gradients from growing too large before a rule sees them.
public enum GradientClipping: Sendable {
    /// All gradients together shrink in proportion where their Euclidean norm is above the bound.
    ///
    /// R. Pascanu, T. Mikolov, Y. Bengio, *On the Difficulty of Training Recurrent Neural Networks*, ICML 2013.
    case byNorm(Double)
    /// Each element is moved to within ±bound.
    case byValue(Double)

    /// - Parameter gradient: all gradients end to end.
    func callAsFunction(_ gradient: Tensor) -> Tensor {
        switch self {
        case .byValue(let bound): return gradient.clamped(to: -bound...bound)
        case .byNorm(let bound):
            let norm = sqrt(square(gradient).sum())
            // The small number keeps a norm of 0 from dividing 0 by 0.
            return gradient * minimum(bound / (norm + 1e-6), 1)
        }
    }
}
