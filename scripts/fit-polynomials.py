#!/usr/bin/env python3
"""The coefficients in Sources/CPUKernels/vector_math.h: minimax polynomials, fitted here and rounded to float32.

Each is fitted by least squares at Chebyshev nodes whose weights are raised where the error is largest (Lawson's algorithm).
Coefficients are rounded one by one from the lowest power on, and the rest fitted again, so that rounding costs little.
Needs mpmath.
"""
import struct
import mpmath as mp

mp.mp.dps = 40


def float32(value):
    return mp.mpf(struct.unpack("f", struct.pack("f", float(value)))[0])


def solve(function, weight, nodes, degree, fixed):
    """The coefficients above the fixed ones, by Lawson's iteration."""
    first = len(fixed)
    rest = [function(x) - sum(c * x**k for k, c in enumerate(fixed)) for x in nodes]
    scale = [weight(x) for x in nodes]
    weights = [mp.mpf(1)] * len(nodes)
    for _ in range(30):
        rows = mp.matrix([[mp.sqrt(w) * s * x**k for k in range(first, degree + 1)] for w, s, x in zip(weights, scale, nodes)])
        right = mp.matrix([mp.sqrt(w) * s * r for w, s, r in zip(weights, scale, rest)])
        found = list(mp.lu_solve(rows.T * rows, rows.T * right))
        errors = [abs(s * (sum(c * x**(first + k) for k, c in enumerate(found)) - r)) for s, x, r in zip(scale, nodes, rest)]
        total = sum(w * e for w, e in zip(weights, errors))
        weights = [max(w * e / total * len(nodes), mp.mpf(10) ** -12) for w, e in zip(weights, errors)]
    return found, max(errors)


def fit(name, function, weight, low, high, degree):
    """Fits `function` on [low, high]; `weight` turns an error of it into an error relative to the final result."""
    count = 6 * (degree + 1)
    nodes = [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count) for i in range(count)]
    fixed = []
    for _ in range(degree + 1):
        found, error = solve(function, weight, nodes, degree, fixed)
        fixed.append(float32(found[0]))
    print(f"// {name}: relative error {float(error):.1e}")
    print("    " + ", ".join(float.hex(float(c)) + "f" for c in fixed) + ",  // lowest power first")


LN2_HALF = mp.log(2) / 2 * mp.mpf("1.002")
QUARTER = mp.pi / 4 * mp.mpf("1.0005")


def exponential(r):
    return (mp.exp(r) - 1 - r) / r**2 if abs(r) > 1e-9 else mp.mpf(1) / 2 + r / 6


def logarithm(f):
    return (mp.log1p(f) - f + f**2 / 2) / f**3 if abs(f) > 1e-9 else mp.mpf(1) / 3 - f / 4


fit("exp(r) = 1 + r + r^2 q(r)", exponential, lambda r: r**2 / mp.exp(r), -LN2_HALF, LN2_HALF, 4)
fit("log(1+f) = f - f^2/2 + f^3 p(f)", logarithm, lambda f: f**3 / mp.log1p(f), mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(mp.mpf(2)) - 1, 7)
fit("sin(r) = r + r^3 p(r^2)", lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: z * mp.sqrt(z) / mp.sin(mp.sqrt(z)),
    mp.mpf("1e-6"), QUARTER**2, 3)
fit("cos(r) = 1 - r^2/2 + r^4 p(r^2)", lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2 / mp.cos(mp.sqrt(z)),
    mp.mpf("1e-6"), QUARTER**2, 2)
fit("erf(x) = x + x p(x^2), |x| <= 1", lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, lambda z: mp.sqrt(z) / mp.erf(mp.sqrt(z)),
    mp.mpf("1e-6"), mp.mpf("1.001"), 6)
fit("log(erfc(x)) = p(x - 2), 1 <= x <= 4", lambda t: mp.log(mp.erfc(t + 2)), lambda t: mp.erfc(t + 2) / mp.erf(t + 2),
    mp.mpf(-1), mp.mpf(2), 7)
fit("tanh(x) = x + x^3 p(x^2), |x| <= 0.6", lambda z: (mp.tanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, lambda z: z * mp.sqrt(z) / mp.tanh(mp.sqrt(z)),
    mp.mpf("1e-6"), mp.mpf("0.361"), 4)
