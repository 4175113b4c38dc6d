import SomaGraph

// Hyperbolic functions and powers of 2, composed of the elementary ones. Errors are those in single precision on the CPU, in units in the last
// place (ulp).

/// (eˣ − e⁻ˣ) / 2, accurate near 0; error below 4 ulp.
public func sinh(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        odd(x) { size in
            let growth = expm1(size)
            return halved(size, (growth + growth / (growth + 1)) * 0.5)
        }
    } pullback: { gradient, x, _ in
        gradient * cosh(x)
    }
}

/// (eˣ + e⁻ˣ) / 2; error below 4 ulp.
public func cosh(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        let size = abs(x)
        let growth = exp(size)
        return halved(size, (growth + reciprocal(growth)) * 0.5)
    } pullback: { gradient, x, _ in
        gradient * sinh(x)
    }
}

/// The inverse of `sinh`, accurate near 0; error below 4 ulp.
public func asinh(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        odd(x) { size in
            let squared = square(size)
            let small = log1p(size + squared / (sqrt(squared + 1) + 1))
            return .select(size .> 1e4, log(size) + 0.6931471805599453, small)
        }
    } pullback: { gradient, x, _ in
        gradient * rsqrt(square(x) + 1)
    }
}

/// The inverse of `cosh`, from 0 on, NaN below 1; error below 4 ulp.
public func acosh(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        let distance = x - 1
        let small = log1p(distance + sqrt(distance * (distance + 2)))
        return Tensor.select(x .> 1e4, log(x) + 0.6931471805599453, small).replacing(with: Double.nan, where: x .< 1.0)
    } pullback: { gradient, x, _ in
        gradient * rsqrt(squareLessOne(abs(x)))
    }
}

/// The inverse of `tanh`, ±∞ at ±1 and NaN beyond, accurate near 0; error below 4 ulp.
public func atanh(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        odd(x) { log1p($0 * 2 / (1 - $0)) * 0.5 }
    } pullback: { gradient, x, _ in
        gradient / oneLessSquare(x)
    }
}

/// 2ˣ
public func exp2(_ x: Tensor) -> Tensor { pow(2, x) }

/// x² − 1 for x from 0 on, as the product (x − 1) (x + 1), which keeps the digits near 1. The slope is 2x: that of the product would be a factor 0
/// beside one that grows beyond all bounds where an inverse root of it is differentiated again.
private func squareLessOne(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { ($0 - 1) * ($0 + 1) } pullback: { gradient, x, _ in gradient * x * 2 }
}

/// `value`, or e^size / 2 where size is so large that e^size alone would overflow.
private func halved(_ size: Tensor, _ value: Tensor) -> Tensor {
    let root = exp(size * 0.5)
    return .select(size .> 88.5, root * 0.5 * root, value)
}
