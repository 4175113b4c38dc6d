// Random words by Philox-4x32-10: a pure function of a counter and a key, so that any word can be computed anywhere, in any order.
//
// J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
//
//     block (c₀ c₁ c₂ c₃), key (k₀ k₁), ten rounds of
//     (c₀ c₁ c₂ c₃) ← (hi(c₂·B) ^ c₁ ^ k₀,  lo(c₂·B),  hi(c₀·A) ^ c₃ ^ k₁,  lo(c₀·A)),   k₀ += W₀, k₁ += W₁

// A word of the block with the counter (low, high, counter, 0).
static uint soma_random_word(uint key0, uint key1, uint counter, uint low, uint high, uint word) {
    uint c0 = low, c1 = high, c2 = counter, c3 = 0u;
    for (int round = 0; round < 10; round++) {
        const uint high_a = mul_hi(c0, 0xD2511F53u), low_a = c0 * 0xD2511F53u;
        const uint high_b = mul_hi(c2, 0xCD9E8D57u), low_b = c2 * 0xCD9E8D57u;
        c0 = high_b ^ c1 ^ key0;
        c1 = low_b;
        c2 = high_a ^ c3 ^ key1;
        c3 = low_a;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return word == 0u ? c0 : word == 1u ? c1 : word == 2u ? c2 : c3;
}

// Word `index` of the sequence: word index mod 4 of the block index div 4.
static uint soma_random_int(uint key0, uint key1, uint counter, int index) {
    return soma_random_word(key0, key1, counter, (uint)index >> 2, 0u, (uint)index & 3u);
}
static uint soma_random_long(uint key0, uint key1, uint counter, long index) {
    return soma_random_word(key0, key1, counter, (uint)(index >> 2), (uint)(index >> 34), (uint)index & 3u);
}
