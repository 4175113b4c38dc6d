import SomaBackend
import SomaGraph

/// Steps that one choice of how to compute them serves: of one kind and form, with extents that agree to a factor of two.
struct StepClass: Hashable, Sendable {
    /// What there are choices for.
    enum Kind: String, CaseIterable, Sendable { case matmul, convolution, reduce, map }

    let kind: Kind
    /// `matmul`, `convolution`: products, m, n, k; `reduce`: outer and inner positions; `map`: positions. As powers of two, rounded up.
    private let bits: [Int]
    /// What else decides which choice is best: see `form(of:)`.
    let form: String

    private init(_ kind: Kind, _ extents: [Int], _ form: String) {
        (self.kind, self.form) = (kind, form)
        bits = extents.map { Int.bitWidth - max($0 - 1, 0).leadingZeroBitCount }
    }

    /// A and B as they lie (n) or transposed (t).
    init(_ step: MatmulStep) {
        let letters = [step.a, step.b].map { $0.access.strides[2] != 1 ? "t" : "n" }.joined()
        self.init(.matmul, [step.batch, step.m, step.n, step.k], letters)
    }

    /// As the product of matrices that convolution.cl makes of it; the form is `PASS:ROWSxCOLUMNS/STRIDE`.
    init(_ step: ConvolutionStep) {
        let product = ImplicitProduct(step), windows = step.windows
        self.init(
            .convolution, [product.batch, product.m, product.columns.count, product.depth.count],
            "\(step.pass.name):\(windows.size[0])x\(windows.size[1])/\(windows.stride.max() ?? 1)")
    }

    /// `row` where the inner domain is walked several times, else whether neighbours in memory lie `along` a sum or `across` sums.
    init(reduction nest: LoopNest) {
        let form = BodyStages(nest).stages.count > 1 ? "row" : nest.isAcross ? "across" : "along"
        self.init(.reduce, [nest.outerCount, nest.innerCount], form)
    }

    /// `flat` where every operand is walked in the order of memory, else `strided`.
    init(map nest: LoopNest) { self.init(.map, [nest.outerCount], nest.outer.count <= 1 ? "flat" : "strided") }
}

extension StepClass: CustomStringConvertible, LosslessStringConvertible {
    /// The kind, the greatest extents of the class, and the form: `matmul 1 1024 512 64 nt`.
    var description: String { "\(kind) " + bits.map { "\(1 << $0) " }.joined() + form }

    /// `nil` for what `description` never gives.
    init?(_ description: String) {
        let words = description.split(separator: " ").map(String.init)
        guard let first = words.first, let form = words.last, let kind = Kind(rawValue: first), kind.has(form: form) else { return nil }
        let extents = words.dropFirst().dropLast().compactMap { Int($0) }.filter { $0 > 0 }
        guard extents.count == kind.extentCount else { return nil }
        self.init(kind, extents, form)
        guard self.description == description else { return nil }
    }
}

extension StepClass.Kind {
    fileprivate var extentCount: Int {
        switch self {
        case .matmul, .convolution: 4
        case .reduce: 2
        case .map: 1
        }
    }

    fileprivate func has(form: String) -> Bool {
        switch self {
        case .matmul: return ["nn", "nt", "tn", "tt"].contains(form)
        case .reduce: return ["along", "across", "row"].contains(form)
        case .map: return ["flat", "strided"].contains(form)
        case .convolution:
            let words = form.split(separator: ":", omittingEmptySubsequences: false)
            let passes = [ConvolutionPass.forward, .inputGradient, .filterGradient].map(\.name)
            let numbers = (words.last ?? "").split { $0 == "x" || $0 == "/" }.compactMap { Int($0) }
            return words.count == 2 && passes.contains(String(words[0])) && numbers.count == 3 && numbers.allSatisfy { $0 > 0 }
                && form == "\(words[0]):\(numbers[0])x\(numbers[1])/\(numbers[2])"
        }
    }
}

extension ConvolutionPass {
    fileprivate var name: String {
        switch self {
        case .forward: "forward"
        case .inputGradient: "input-gradient"
        case .filterGradient: "filter-gradient"
        }
    }
}
