// exp and tanh on a CPU-like device: text without branches, of which a loop makes vectors, where a library's functions take twice as long.
//
// Within 2 units in the last place for every argument, denormals, infinities and NaN included. The polynomials are those of the CPU
// backend (scripts/fit-polynomials.py). The multiple of log 2 is subtracted in two parts, of which the first is short enough to be exact
// (W. J. Cody, W. Waite, Software Manual for the Elementary Functions, Prentice-Hall 1980).

static float soma_exp_float(float x) {
    // Beyond these bounds the result is 0 or infinite anyway; a NaN passes both comparisons.
    x = x > 90.0f ? 90.0f : x;
    x = x < -105.0f ? -105.0f : x;
    // Adding this and taking it away again rounds to a whole number, which meanwhile stands in the low bits.
    const float rounder = 0x1.8p23f, shifted = x * 0x1.715476p0f + rounder, whole = shifted - rounder;
    const int n = as_int(shifted) - as_int(rounder), half_n = n >> 1;
    const float r = (x - whole * 0x1.63p-1f) - whole * -0x1.bd0106p-13f;
    float q = 0x1.6a3d8cp-10f * r + 0x1.1239aap-7f;
    q = q * r + 0x1.5558cp-5f;
    q = q * r + 0x1.555492p-3f;
    q = q * r + 0x1.fffffcp-2f;
    // What 1 + r loses comes back with the small terms.
    const float high = 1.0f + r, low = (1.0f - high) + r;
    // 2^n in two factors, each a normal number, so that the last product alone overflows or becomes denormal.
    return (high + (r * r * q + low)) * as_float((half_n + 127) << 23) * as_float((n - half_n + 127) << 23);
}

static float soma_tanh_float(float x) {
    const float z = x * x, y = fabs(x);
    float p = -0x1.82626cp-8f * z + 0x1.54bdd6p-6f;
    p = p * z - 0x1.b89a28p-5f;
    p = p * z + 0x1.1109bcp-3f;
    p = p * z - 0x1.55553ep-2f;
    const float near = y * z * p + y;
    // 1 - 2 / (e^2x + 1), which is 1 from 9.1 on.
    const float far = 1.0f - 2.0f / (soma_exp_float(y > 10.0f ? 20.0f : 2.0f * y) + 1.0f);
    return copysign(y < 0.6f ? near : far, x);
}
