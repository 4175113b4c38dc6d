import SomaGraph

// Functions of angles, composed of the elementary ones. Errors are those in single precision on the CPU, in units in the last place (ulp).

/// The tangent of x radians; error below 4 ulp for |x| up to 1000.
public func tan(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) {
        sin($0) / cos($0)
    } pullback: { gradient, _, y in
        gradient * (square(y) + 1)
    }
}

/// The arc tangent, between −π/2 and π/2; error below 3 ulp.
public func atan(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        odd(x) { size in
            let isLarge = size .> 1.0
            let angle = arcTangentUpToOne(.select(isLarge, reciprocal(size), size))
            return .select(isLarge, Double.pi / 2 - angle, angle)
        }
    } pullback: { gradient, x, _ in
        gradient / (square(x) + 1)
    }
}

/// The angle of the point (x, y), between −π and π, of operands that broadcast; error below 3 ulp. Signs of zeros count: `atan2(±0, −1)` is ±π.
///
/// The gradient at the origin is taken to be 0, as it is at infinity.
public func atan2(_ y: Tensor, _ x: Tensor) -> Tensor {
    let shape = Tensor.broadcastShape("atan2", y, x)
    return withElementwiseGradient(of: [y.repeated(to: shape), x.repeated(to: shape)]) {
        angle($0[0], $0[1])
    } pullback: { gradient, inputs, _ in
        let (y, x) = (inputs[0], inputs[1])
        // The quotients do not depend on the scale, which keeps squares from overflow.
        let scale = maximum(abs(y), abs(x)).withoutGradient()
        let (v, u) = (y / scale, x / scale)
        let divisor = (square(v) + square(u)) * scale
        // Far away the slopes vanish. ∞ / ∞ would say nothing; a NaN stays.
        let isFlat = (scale .== 0) .|| (scale .== .infinity)
        return [
            (gradient * u / divisor).replacing(with: 0, where: isFlat), (-gradient * v / divisor).replacing(with: 0, where: isFlat),
        ]
    }
}

/// The arc sine, between −π/2 and π/2, NaN beyond ±1; error below 4 ulp.
public func asin(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) {
        angle($0, sqrt((1 - $0) * (1 + $0)))
    } pullback: { gradient, x, _ in
        gradient * rsqrt(oneLessSquare(x))
    }
}

/// The arc cosine, between 0 and π, NaN beyond ±1; error below 4 ulp.
public func acos(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) {
        angle(sqrt((1 - $0) * (1 + $0)), $0)
    } pullback: { gradient, x, _ in
        -gradient * rsqrt(oneLessSquare(x))
    }
}

/// 1 − x² as the product (1 − x) (1 + x), which keeps the digits near ±1. The slope is −2x: that of the product would be a factor 0 beside one that
/// grows beyond all bounds where an inverse root or a reciprocal of it is differentiated again.
func oneLessSquare(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { (1 - $0) * (1 + $0) } pullback: { gradient, x, _ in gradient * x * -2 }
}

/// The angle of points of one shape.
private func angle(_ y: Tensor, _ x: Tensor) -> Tensor {
    let (height, width) = (abs(y), abs(x))
    let (least, greatest) = (minimum(height, width), maximum(height, width))
    // Equal ones may be infinite or 0.
    let quotient = (least / greatest).replacing(with: 1, where: least .== greatest).replacing(with: 0, where: greatest .== 0)
    let octant = arcTangentUpToOne(quotient)
    let quadrant = Tensor.select(height .> width, Double.pi / 2 - octant, octant)
    let half = Tensor.select(isNegative(x), Double.pi - quadrant, quadrant)
    return .select(isNegative(y), -half, half)
}

/// Whether the sign is −, of zeros too.
private func isNegative(_ x: Tensor) -> Tensor { (x .< 0) .|| (x .== 0) .&& (reciprocal(x) .< 0) }

/// The arc tangent of 0 ≤ t ≤ 1: that of (t − 1) / (t + 1) and π/4 where t is above tan π/8. Up to there t P(t²), with P the polynomial of
/// degree 6 that interpolates arctan(√z) / √z at the roots of a Chebyshev polynomial, whose relative error is 2.2 · 10⁻¹¹.
private func arcTangentUpToOne(_ t: Tensor) -> Tensor {
    let isUpper = t .> 0.41421356237309503
    let reduced = Tensor.select(isUpper, (t - 1) / (t + 1), t)
    let z = square(reduced)
    let polynomial = [0.1104048922721824, -0.14281588772654124, 0.19999883856551303, -0.33333332097609386, 0.99999999997839878]
        .reduce(z * 0.047073481419680202 - 0.08456192886940496) { $0 * z + $1 }
    let angle = reduced * polynomial
    return .select(isUpper, angle + Double.pi / 4, angle)
}

/// An odd function of x, made of that of |x|; 0 keeps its sign.
func odd(_ x: Tensor, _ function: (Tensor) -> Tensor) -> Tensor {
    let value = function(abs(x))
    return .select(x .> 0, value, .select(x .== 0, x, -value))
}
