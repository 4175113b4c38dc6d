import Soma
import SomaReference
import Testing

/// A mistake of the program, and words that the message about it must contain.
struct Mistake: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let words: [String]
    let make: @Sendable () -> Void

    init(_ name: String, _ words: String..., make: @escaping @Sendable () -> Void) {
        testDescription = name
        self.words = words
        self.make = make
    }

    private static func x(
        _ shape: Shape, _ dtype: DType = .float32
    ) -> Tensor {
        Tensor(reference: .sample(shape, dtype: dtype))
    }

    static let all: [Mistake] = [
        Mistake("operator, shapes", "add", "[2, 3] and [4]") { _ = x([2, 3]) + x([4]) },
        Mistake("operator, dtypes", "multiply", "float32 and int32") { _ = x([2]) * x([2], .int32) },
        Mistake("operator, fraction beside integers", "multiply", "0.5", "int32") { _ = x([2], .int32) * 0.5 },
        Mistake("operator, number beyond a dtype", "less", "300", "uint8") { _ = x([2], .uint8) .< 300 },
        Mistake("operator, infinity beside integers", "add", "inf", "int32", "cast") { _ = x([2], .int32) + .infinity },
        Mistake("operator, infinity less integers", "subtract", "-inf", "int64") { _ = -Double.infinity - x([2], .int64) },
        Mistake("operator, NaN beside integers", "multiply", "nan", "uint8") { _ = x([2], .uint8) * .nan },
        Mistake("operator, one beyond int64", "add", "9.223372036854776e+18", "int64") { _ = x([2], .int64) + 0x1p63 },
        Mistake("operator, negative beside unsigned", "subtract", "-1 is", "uint32") { _ = x([2], .uint32) - (-1) },
        Mistake("comparison, NaN beside integers", "equal", "nan", "int32") { _ = x([2], .int32) .== .nan },
        Mistake("comparison, two beside bool", "equal", "2 is", "bool") { _ = x([2], .bool) .== 2 },
        Mistake("maximum of integers and infinity", "maximum", "inf", "int32") { _ = maximum(x([2], .int32), .infinity) },
        Mistake("minimum of integers and a fraction", "minimum", "0.5", "uint8") { _ = minimum(x([2], .uint8), 0.5) },
        Mistake("clamp of integers above their range", "maximum", "256 is", "uint8") { _ = x([2], .uint8).clamped(to: 256...300) },
        Mistake("pow of integers", "pow", "0.5", "int32") { _ = pow(x([2], .int32), 0.5) },
        Mistake("pow of integers, whole", "power", "not defined", "int32") { _ = pow(x([2], .int32), 2) },
        Mistake("remainder of integers by infinity", "remainder", "inf", "int64") { _ = remainder(x([2], .int64), .infinity) },
        Mistake("replacing integers with NaN", "replacing", "nan", "int32") { _ = x([2], .int32).replacing(with: .nan, where: x([2], .bool)) },
        Mistake("full of integers with a fraction", "2.5", "int32", "MistakeTests.swift") { _ = Tensor.full([2], 2.5, dtype: .int32, device: .reference) },
        Mistake("full of integers beyond their range", "300 is", "uint8") { _ = Tensor.full([2], 300, dtype: .uint8, device: .reference) },
        Mistake("full of integers with infinity", "inf", "int64") { _ = Tensor.full(like: x([2], .int64), .infinity) },
        Mistake("a number of integers that is NaN", "nan", "uint32", "MistakeTests.swift") { _ = Tensor(.nan, dtype: .uint32, device: .reference) },
        Mistake("argmax of more than an index counts", "argmax", "int32", "2147483648") { _ = Tensor.zeros([3, 1 << 31], device: .reference).argmax(alongAxis: 1) },
        Mistake("argmin of all of more than an index counts", "argmin", "int32", "8589934592") { _ = Tensor.zeros([1 << 17, 1 << 16], device: .reference).argmin() },
        Mistake("range by infinite steps", "range", "not finite") { _ = Tensor.range(from: 0, to: 1, by: .infinity, device: .reference) },
        Mistake("operator, bool", "add", "bool") { _ = x([2], .bool) + x([2], .bool) },
        Mistake("operator, large number beside integers", "multiply", "9007199254740993", "int32") { _ = x([2], .int32) * 9_007_199_254_740_993 },
        Mistake("ragged arrays", "Tensor", "[1] has 1", "have 2", "MistakeTests.swift") { _ = Tensor([[1, 2], [3]]) },
        Mistake("ragged arrays, deeper", "Tensor", "[1][0] has 3", "have 2") { _ = Tensor([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0, 7.0], [8.0, 9.0]]]) },
        Mistake("elements for a shape", "Tensor", "3 elements", "[2, 2]", "MistakeTests.swift") { _ = Tensor([1, 2, 3], shape: [2, 2]) },
        Mistake("elements beyond a dtype", "Tensor", "300", "uint8", "MistakeTests.swift") { _ = Tensor([1, 300], dtype: .uint8) },
        Mistake("fractions in integers", "Tensor", "0.5", "int32") { _ = Tensor([0.5], dtype: .int32) },
        Mistake("a number beyond a dtype", "Tensor", "-1", "uint8", "MistakeTests.swift") { _ = Tensor(-1, dtype: .uint8, device: .reference) },
        Mistake("function of integers", "exp", "int32") { _ = exp(x([2], .int32)) },
        Mistake("select, condition", "select", "float32", "bool") { _ = Tensor.select(x([2]), x([2]), x([2])) },
        Mistake("select, shapes", "select", "[3]", "[2]") { _ = Tensor.select(x([3], .bool), x([2]), x([2])) },
        Mistake("sum, axis", "sum", "axis 2", "[2, 3]", "MistakeTests.swift") { _ = x([2, 3]).sum(alongAxes: 2) },
        Mistake("sum, axis twice", "sum", "[0, -2]", "twice") { _ = x([2, 3]).sum(alongAxes: 0, -2) },
        Mistake("greatest of bool", "max", "bool") { _ = x([2], .bool).max() },
        Mistake("mean of integers", "mean", "int32") { _ = x([2], .int32).mean() },
        Mistake("argmax of nothing", "argmax", "[0, 3]", "empty") { _ = x([0, 3]).argmax(alongAxis: 0) },
        Mistake("convolution, channels", "convolution", "4 channels", "[1, 4, 5, 5]", "MistakeTests.swift") {
            _ = convolution(x([1, 4, 5, 5]), x([2, 3, 3, 3]))
        },
        Mistake("convolution, filter beyond the input", "convolution", "reaches over 7", "the 5", "[1, 1, 5]") {
            _ = convolution(x([1, 1, 5]), x([1, 1, 4]), dilation: [2])
        },
        Mistake("convolution, groups", "convolution", "3 groups", "4 filters") {
            _ = convolution(x([1, 6, 5]), x([4, 2, 2]), groups: 3)
        },
        Mistake("convolution, stride", "convolution", "stride [0]") { _ = convolution(x([1, 1, 5]), x([1, 1, 2]), stride: [0]) },
        Mistake("convolution, dilation beyond all", "convolution", "reaches over", "the 5") {
            _ = convolution(x([1, 1, 5]), x([1, 1, 4]), dilation: [.max])
        },
        Mistake("convolution, padding beyond all", "Shape") { _ = convolution(x([1, 1, 5]), x([1, 1, 2]), padding: .all(.max)) },
        Mistake("transposed convolution, output padding", "transposedConvolution", "output padding 2", "stride 2") {
            _ = transposedConvolution(x([1, 1, 5]), x([1, 1, 2]), stride: [2], outputPadding: [2])
        },
        Mistake("transposed convolution, stride beyond all", "transposedConvolution", "than can be counted") {
            _ = transposedConvolution(x([1, 1, 5]), x([1, 1, 2]), stride: [.max])
        },
        Mistake("pooling, window", "maxPooled", "6 elements", "5", "[1, 1, 5]") { _ = x([1, 1, 5]).maxPooled(PoolingWindow(size: [6])) },
        Mistake("pooling, dilated window", "maxPooled", "5 elements", "4") { _ = x([1, 1, 4]).maxPooled(PoolingWindow(size: [3], dilation: [2])) },
        Mistake("pooling, dilation", "maxPooled", "dilation [0]") { _ = x([1, 1, 4]).maxPooled(PoolingWindow(size: [3], dilation: [0])) },
        Mistake("adaptive pooling, outputs", "adaptiveMaxPooled", "outputs [2]", "[1, 1, 4, 4]") { _ = x([1, 1, 4, 4]).adaptiveMaxPooled(to: [2]) },
        Mistake("transposed convolution, padding", "transposedConvolution", "padding [1, 2]") {
            _ = transposedConvolution(x([1, 1, 5]), x([1, 1, 2]), padding: [1, 2])
        },
        Mistake("pooling, padding", "averagePooled", "padding 2", "window of 3") {
            _ = x([1, 1, 5]).averagePooled(PoolingWindow(size: [3], padding: [2]))
        },
        Mistake("batch normalisation, one value", "batchNormalized", "[1, 3]", "MistakeTests.swift") { _ = x([1, 3]).batchNormalized() },
        Mistake("batch normalisation, rank", "batchNormalized", "[3]") { _ = x([3]).batchNormalized() },
        Mistake("batch normalisation, weight", "batchNormalized", "[4]", "[2, 3]") { _ = x([2, 3]).batchNormalized(weight: x([4])) },
        Mistake("batch normalisation, epsilon", "batchNormalized", "epsilon of 0.0") { _ = x([2, 3]).batchNormalized(epsilon: 0) },
        Mistake("batch normalisation, channels of the layer", "BatchNorm", "[2, 3]", "[N, 4, …]") {
            withDevice(.reference) { _ = BatchNorm(4)(x([2, 3])) }
        },
        Mistake("batch normalisation, no channels", "BatchNorm", "0 channels") { _ = BatchNorm(0, device: .reference) },
        Mistake("batch normalisation, momentum", "BatchNorm", "momentum of 1.5") { _ = BatchNorm(2, momentum: 1.5, device: .reference) },
        Mistake("instance normalisation, one place", "instanceNormalized", "[2, 3, 1]") { _ = x([2, 3, 1]).instanceNormalized() },
        Mistake("instance normalisation, rank", "InstanceNorm", "[2, 3]", "[N, 3, …]") {
            withDevice(.reference) { _ = InstanceNorm(3)(x([2, 3])) }
        },
        Mistake("group normalisation, groups", "groupNormalized", "4 groups", "[2, 6, 5]", "MistakeTests.swift") {
            _ = x([2, 6, 5]).groupNormalized(groups: 4)
        },
        Mistake("group normalisation, no groups", "groupNormalized", "0 groups") { _ = x([2, 6]).groupNormalized(groups: 0) },
        Mistake("group normalisation, one value", "groupNormalized", "3 groups", "[2, 3]") { _ = x([2, 3]).groupNormalized(groups: 3) },
        Mistake("group normalisation, groups of the layer", "GroupNorm", "4 groups of 6") {
            _ = GroupNorm(groups: 4, channels: 6, device: .reference)
        },
        Mistake("group normalisation, epsilon", "GroupNorm", "epsilon of -1.0") {
            _ = GroupNorm(groups: 2, channels: 6, epsilon: -1, device: .reference)
        },
        Mistake("local response, window", "localResponseNormalized", "windows of 0", "[1, 4, 2]", "MistakeTests.swift") {
            _ = x([1, 4, 2]).localResponseNormalized(size: 0)
        },
        Mistake("up-sampling, factor", "upsampled", "factors [0]", "[1, 2, 3]", "MistakeTests.swift") { _ = x([1, 2, 3]).upsampled(by: [0]) },
        Mistake("up-sampling, factor beyond all", "upsampled", "9223372036854775807") { _ = x([1, 2, 3]).upsampled(by: [.max]) },
        Mistake("up-sampling, extents", "upsampled", "extents [4]", "[1, 2, 3, 3]") { _ = x([1, 2, 3, 3]).upsampled(to: [4]) },
        Mistake("up-sampling of an empty axis", "upsampled", "[1, 2, 0]") { _ = x([1, 2, 0]).upsampled(to: [4], .linear()) },
        Mistake("up-sampling, rank", "upsampled", "[2, 3]") { _ = x([2, 3]).upsampled(by: [2]) },
        Mistake("pixel shuffle, channels", "pixelShuffled", "factor of 2", "[1, 6, 2, 2]") { _ = x([1, 6, 2, 2]).pixelShuffled(2) },
        Mistake("pixel shuffle, factor", "pixelShuffled", "factor of 0") { _ = x([1, 4, 2]).pixelShuffled(0) },
        Mistake("pixel unshuffle, extents", "pixelUnshuffled", "factor of 2", "[1, 1, 4, 3]") { _ = x([1, 1, 4, 3]).pixelUnshuffled(2) },
        Mistake("pixel unshuffle, factor beyond all", "pixelUnshuffled", "9223372036854775807") {
            _ = x([1, 1, 0, 0]).pixelUnshuffled(.max)
        },
        Mistake("spatial dropout, rate", "SpatialDropout", "1.0") { _ = SpatialDropout(rate: 1) },
        Mistake("spatial dropout, rank", "SpatialDropout", "[3]") { _ = SpatialDropout(rate: 0.5)(x([3])) },
        Mistake("folding, channels", "folding", "3 channels", "to 4") {
            withDevice(.reference) { _ = Convolution(from: 1, to: 4, size: [1]).folding(BatchNorm(3)) }
        },
        Mistake("reshape", "reshape", "6 elements of [2, 3]", "[4]", "MistakeTests.swift") {
            _ = x([2, 3]).reshaped(to: [4])
        },
        Mistake("reshape, open extent", "reshape", "[4, -1]") { _ = x([2, 3]).reshaped(to: [4, -1]) },
        Mistake("permute", "permute", "[0, 1]", "[2, 3, 4]") { _ = x([2, 3, 4]).permuted(axes: [0, 1]) },
        Mistake("expand", "expand", "[2, 3]", "[2, 4]") { _ = x([2, 3]).expanded(to: [2, 4]) },
        Mistake("squeeze", "squeeze", "[0]", "[2, 1]") { _ = x([2, 1]).squeezed(alongAxes: 0) },
        Mistake("subscript, index", "subscript", "index 5", "axis of 3", "MistakeTests.swift") { _ = x([3])[5] },
        Mistake("subscript, range", "subscript", "1..<4", "axis of 3") { _ = x([3])[1..<4] },
        Mistake("subscript, too many", "subscript", "2 indices", "[3]") { _ = x([3])[0, 0] },
        Mistake("subscript, step", "subscript", "step of 0") { _ = x([3])[.every(0)] },
        Mistake("matmul, shapes", "matmul", "[2, 3] and [4, 5]", "MistakeTests.swift") {
            _ = matmul(x([2, 3]), x([4, 5]))
        },
        Mistake("matmul, batches", "matmul", "[2, 3, 4]", "[3, 4, 5]") { _ = matmul(x([2, 3, 4]), x([3, 4, 5])) },
        Mistake("matmul of integers", "matmul", "int32") { _ = matmul(x([2, 2], .int32), x([2, 2], .int32)) },
        Mistake("matmul of a number", "matmul", "[] and [2, 2]") { _ = matmul(x([]), x([2, 2])) },
        Mistake("concatenate", "concatenate", "[2, 4]", "[3, 3]", "axis 0") {
            _ = Tensor(concatenating: [x([2, 4]), x([3, 3])])
        },
        Mistake("concatenate nothing", "concatenate", "nothing") { _ = Tensor(concatenating: []) },
        Mistake("stack", "stack", "[3]", "[2]") { _ = Tensor(stacking: [x([2]), x([3])]) },
        Mistake("split", "split", "2 equal parts", "[3]") { _ = x([3]).split(into: 2) },
        Mistake("pad", "pad", "[2]") { _ = x([2]).padded([(-1, 0)]) },
        Mistake("gather, indices", "gather", "float32", "not integers", "MistakeTests.swift") { _ = x([2]).gathered(atIndices: x([2])) },
        Mistake("scatter-add, updates", "scatterAdd", "[3]", "[2]") {
            _ = x([5]).scatteredAdd(x([3]), atIndices: x([2], .int32))
        },
        Mistake("scan, no sequence", "scan", "at least one element", "MistakeTests.swift") { _ = scan(over: [], from: [x([2])]) { ($0, $1) } },
        Mistake("scan, empty sequence", "scan", "at least one element") { _ = scan(over: [x([0, 2])], from: []) { ($0, $1) } },
        Mistake("scan, counts", "scan", "sequence 1 is [4, 2]", "3 elements") { _ = scan(over: [x([3, 2]), x([4, 2])], from: []) { ($0, $1) } },
        Mistake("scan, number of states", "scan", "gives 0 states", "there are 1") { _ = scan(over: [x([3])], from: [x([2])]) { ([], $1) } },
        Mistake("scan, shape of a state", "scan", "state 0 is float32 [2]", "makes it float32 [3]", "MistakeTests.swift") {
            _ = scan(over: [x([4, 3])], from: [x([2])]) { ($1, []) }
        },
        Mistake("dynamic slice, starts", "dynamicSlice", "[2]", "[1]") {
            _ = x([3, 3]).dynamicSlice(at: x([1], .int32), shape: [1, 1])
        },
        Mistake("pick along an axis, indices", "picked", "[2, 2]", "[3, 2]", "axis 1", "MistakeTests.swift") {
            _ = x([3, 2]).picked(atIndices: x([2, 2], .int32), alongAxis: 1)
        },
        Mistake("pick along an axis, dtype", "picked", "float32", "not integers") { _ = x([3]).picked(atIndices: x([3]), alongAxis: 0) },
        Mistake("scatter, updates", "scattered", "float32 [2]", "int32 [3]", "MistakeTests.swift") {
            _ = x([3], .int32).scattered(x([2]), atIndices: x([2], .int32), alongAxis: 0)
        },
        Mistake("scatter, adding bool", "scattered", "bool") {
            _ = x([3], .bool).scattered(x([2], .bool), atIndices: x([2], .int32), alongAxis: 0, combining: .add)
        },
        Mistake("sort, axis", "sorted", "axis 1", "[3]", "MistakeTests.swift") { _ = x([3]).sorted(alongAxis: 1) },
        Mistake("topK, count", "topK", "4 elements", "[2, 3]", "MistakeTests.swift") { _ = x([2, 3]).topK(4) },
        Mistake("median of nothing", "median", "[2, 0]", "empty") { _ = x([2, 0]).median(alongAxis: 1) },
        Mistake("quantile, fraction", "quantile", "1.5", "MistakeTests.swift") { _ = x([3]).quantile(1.5) },
        Mistake("quantile of integers", "quantile", "int32") { _ = x([3], .int32).quantile(0.5) },
        Mistake("cumulative sum, axis", "cumulativeSum", "axis 2", "[2, 3]", "MistakeTests.swift") { _ = x([2, 3]).cumulativeSum(alongAxis: 2) },
        Mistake("einsum, operands", "einsum", "'ij,jk'", "2 terms for 1 operands", "MistakeTests.swift") { _ = einsum("ij,jk", x([2, 3])) },
        Mistake("einsum, rank", "einsum", "2 letters", "[2, 3, 4]") { _ = einsum("ij", x([2, 3, 4])) },
        Mistake("einsum, rank with an ellipsis", "einsum", "2 letters", "[2]") { _ = einsum("i...j", x([2])) },
        Mistake("einsum, extents", "einsum", "'j' has extents 3 and 4") { _ = einsum("ij,jk", x([2, 3]), x([4, 5])) },
        Mistake("einsum, diagonal", "einsum", "'i' has extents 2 and 3", "[2, 3]") { _ = einsum("ii", x([2, 3])) },
        Mistake("einsum, diagonal that stretches", "einsum", "'i' has extents 1 and 3", "[1, 3]") { _ = einsum("ii", x([1, 3])) },
        Mistake("einsum, unknown letter", "einsum", "'z'", "no operand") { _ = einsum("ij->z", x([2, 3])) },
        Mistake("einsum, letter twice", "einsum", "'i' twice") { _ = einsum("ij->ii", x([2, 3])) },
        Mistake("einsum, no letter", "einsum", "'1' is no letter") { _ = einsum("i1", x([2, 3])) },
        Mistake("einsum, two arrows", "einsum", "more than one '->'") { _ = einsum("i->i->i", x([2])) },
        Mistake("einsum, two ellipses", "einsum", "two ellipses") { _ = einsum("...i...", x([2])) },
        Mistake("einsum, dtypes", "einsum", "int32 beside float32") { _ = einsum("i,i", x([2]), x([2], .int32)) },
        Mistake("norm, order", "norm", "NaN", "MistakeTests.swift") { _ = x([2]).norm(order: .nan) },
        Mistake("norm of integers", "norm", "int32") { _ = x([2], .int32).norm() },
        Mistake("grid of a matrix", "meshgrid", "[2, 3]", "MistakeTests.swift") { _ = meshgrid(x([2]), x([2, 3])) },
        Mistake("roll, axis", "rolled", "axis 1", "[3]") { _ = x([3]).rolled(by: 1, alongAxis: 1) },
        Mistake("replacing, shape", "replacing", "float32 [3]", "[2]", "[2, 2]", "MistakeTests.swift") { _ = x([2, 2]).replacing(at: 0, with: x([3])) },
        Mistake("replacing, dtype", "replacing", "int32", "float32") { _ = x([2]).replacing(at: 0, with: x([], .int32)) },
        Mistake("assigning to an index beyond an axis", "subscript", "index 2", "axis of 2", "MistakeTests.swift") {
            var y = x([2])
            y[2] = x([])
        },
        Mistake("random integers of nothing", "randomIntegers", "3..<3", "MistakeTests.swift") {
            _ = Tensor.randomIntegers([2], in: 3..<3, device: .reference)
        },
        Mistake("random integers beyond a dtype", "randomIntegers", "uint8", "0..<257") {
            _ = Tensor.randomIntegers([2], in: 0..<257, dtype: .uint8, device: .reference)
        },
        Mistake("random integers, too many", "randomIntegers", "2^31") { _ = Tensor.randomIntegers([2], in: 0..<1 << 40, device: .reference) },
        Mistake("negative log-likelihood, targets", "negativeLogLikelihood", "[2, 3]", "int32 [3]", "MistakeTests.swift") {
            _ = negativeLogLikelihood(x([2, 3]), x([3], .int32))
        },
        Mistake("divergence, shapes", "klDivergence", "[2, 3]", "[3]", "MistakeTests.swift") { _ = klDivergence(x([2, 3]), x([3])) },
        Mistake("smooth L1, beta", "smoothL1Loss", "-1.0") { _ = smoothL1Loss(x([2]), x([2]), beta: -1) },
        Mistake("embedding, padding index", "Embedding", "padding index of 4", "4 vectors", "MistakeTests.swift") {
            _ = Embedding(count: 4, size: 2, paddingIndex: 4, device: .reference)
        },
        Mistake("embedding of real indices", "float32", "not integers") { _ = Embedding(count: 4, size: 2, device: .reference)(x([2])) },
        Mistake("update slice, block", "updateSlice", "[4]", "[3]") {
            _ = x([3]).updatingSlice(at: x([1], .int32), with: x([4]))
        },
        Mistake("range", "range", "by 0") { _ = Tensor.range(from: 0, to: 1, by: 0, device: .reference) },
        Mistake("uniform", "randomUniform", "1.0 to 0.0") {
            _ = Tensor.randomUniform([2], from: 1, to: 0, device: .reference)
        },
        Mistake("uniform, too wide", "randomUniform", "-3e+38 to 3e+38", "float32") {
            _ = Tensor.randomUniform([2], from: -3e38, to: 3e38, device: .reference)
        },
        Mistake("uniform, too narrow", "randomUniform", "1.0 to 1.0") {
            _ = Tensor.randomUniform([2], from: 1, to: 1 + 1e-12, device: .reference)
        },
        Mistake("range, wrapping", "range", "uint8 does not hold 257", "MistakeTests.swift") {
            _ = Tensor.range(258, dtype: .uint8, device: .reference)
        },
        Mistake("range, wrapping ends", "range", "uint8 does not hold 259") {
            _ = Tensor.range(from: 250, to: 260, dtype: .uint8, device: .reference)
        },
        Mistake("range, too long", "range", "0.0 to 1000000000000.0", "int32 counts") {
            _ = Tensor.range(from: 0, to: 1e12, device: .reference)
        },
        Mistake("range, endless", "range", "inf", "not finite") {
            _ = Tensor.range(from: 0, to: .infinity, device: .reference)
        },
        Mistake("shape, elements", "Shape", "[4611686018427387904]") { _ = Tensor.full([1 << 62], 1, device: .reference) },
        Mistake("shape, elements of an empty one", "Shape", "[0, 9223372036854775807, 2]") {
            _ = Tensor.zeros([0, .max, 2], device: .reference)
        },
        Mistake("pad, overflow", "Shape", "9223372036854775807") { _ = x([2]).padded([(.max, .max)]) },
        Mistake("subscript, far range", "subscript", "9223372036854775807", "axis of 3") { _ = x([3])[0...Int.max] },
        Mistake("subscript, widest range", "subscript", "axis of 3") { _ = x([3])[.range(from: .min, to: .max)] },
        Mistake("split, overflow", "split", "9223372036854775807") { _ = x([3]).split(sizes: [.max, .max, 5]) },
        Mistake("Bernoulli", "randomBernoulli", "1.5") {
            _ = Tensor.randomBernoulli([2], probability: 1.5, device: .reference)
        },
        Mistake("dropout", "dropout", "1.0") { _ = Tensor.dropoutMask([2], rate: 1, device: .reference) },
        Mistake("gradient of a vector", "gradient", "[3]", "seed", "MistakeTests.swift") {
            _ = gradient(of: x([3]), withRespectTo: x([3]))
        },
        Mistake("gradient of an integer", "gradient", "int32") {
            _ = gradient(of: x([], .int32), withRespectTo: x([3]))
        },
        Mistake("gradient with respect to integers", "gradient", "tensor 1 (int32 [3])") {
            _ = gradient(of: x([]), withRespectTo: [x([3]), x([3], .int32)])
        },
        Mistake("gradient, seed", "gradient", "[2]", "[3]") {
            _ = gradient(of: x([3]), withRespectTo: x([3]), seed: x([2]))
        },
        Mistake("custom gradient, shape", "withCustomGradient", "input 0", "[2]", "[3]") {
            let point = x([3])
            let value = withCustomGradient(of: point) {
                $0.sum()
            } pullback: { _, _, _ in
                x([2])
            }
            _ = gradient(of: value, withRespectTo: point)
        },
        Mistake("custom kernel without a gradient", "gradient", "nothing", "withCustomGradient") {
            let kernel = CustomKernel(name: "nothing", source: "") { _, _ in
                .init(global: [1])
            } compute: { _, _, _, _ in
            }
            let point = x([3])
            _ = gradient(of: kernel(point, shape: [3]).sum(), withRespectTo: point)
        },
    ]
}

/// Each ends a process of its own, a fork of one that does nothing else.
@Test func mistakesEndTheProcessWithTheirReasons() async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
        ForkedProcess.readSymbols()
        for mistake in Mistake.all {
            let process = ForkedProcess(mistake.make)
            let missing = mistake.words.filter { !process.complaint.contains($0) }
            if process.status == 0 { ForkedProcess.tell("\(mistake.testDescription) ends no process") }
            if !missing.isEmpty { ForkedProcess.tell("\(mistake.testDescription): \(missing) is missing in: \(process.complaint.prefix(400))") }
        }
        ForkedProcess.tell("\(Mistake.all.count) mistakes were made")
    }
    let text = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
    #expect(text == "\(Mistake.all.count) mistakes were made\n")
    #expect(Mistake.all.count > 100)
}
