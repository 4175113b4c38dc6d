import SomaGraph

// Hyperbolic functions, and powers and logarithms of bases other than e, composed of the elementary ones. Errors are those in single precision on
// the CPU, in units in the last place (ulp).

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
        gradient * rsqrt((x - 1) * (x + 1))
    }
}

/// The inverse of `tanh`, ±∞ at ±1 and NaN beyond, accurate near 0; error below 4 ulp.
public func atanh(_ x: Tensor) -> Tensor {
    withElementwiseGradient(of: x) { x in
        odd(x) { log1p($0 * 2 / (1 - $0)) * 0.5 }
    } pullback: { gradient, x, _ in
        gradient / ((1 - x) * (1 + x))
    }
}

/// The logarithm to base 2: −∞ at 0, NaN below; error below 3 ulp.
public func log2(_ x: Tensor) -> Tensor { log(x) * 1.4426950408889634 }

/// The logarithm to base 10: −∞ at 0, NaN below; error below 3 ulp.
public func log10(_ x: Tensor) -> Tensor { log(x) * 0.4342944819032518 }

/// 2ˣ
public func exp2(_ x: Tensor) -> Tensor { pow(2, x) }

/// `value`, or e^size / 2 where size is so large that e^size alone would overflow.
private func halved(_ size: Tensor, _ value: Tensor) -> Tensor {
    let root = exp(size * 0.5)
    return .select(size .> 88.5, root * 0.5 * root, value)
}
