/* [31] sha256.c -- see sha256.h. The names are those of FIPS 180-4. */
#include "sha256.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 64 };

/* The first 32 bits of the fractions of the cube roots of the first 64 primes:
 * such numbers cannot have been chosen to hide a weakness. */
static const uint32_t k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* The bits that leave on the right return on the left. */
static uint32_t
rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* Section 6.2.2: adds one block to the hash. */
static void
add_block(uint32_t h[8], const unsigned char *block)
{
    uint32_t w[64], v[8];

    for (int t = 0; t < 16; t++)
        w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
               (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < 64; t++) {
        uint32_t a = w[t - 15], b = w[t - 2];

        w[t] = w[t - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[t - 7] +
               (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
    }
    memcpy(v, h, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + k[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof v[0]);
        v[0] = t1 + t2;
        v[4] += t1;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

/* The hash of `first`, which is NULL or one block, and of the data behind it.
 * It begins with the fractions of the square roots of the first eight primes.
 * Section 5.1.1: behind the data come a one bit, zeros, and the length in bits
 * at the end of a block. */
static void
sha256(unsigned char digest[SHA256_SIZE], const unsigned char *first,
       const void *data, size_t size)
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                     0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    uint64_t bits = 8 * ((uint64_t)size + (first != NULL ? BLOCK : 0));
    const unsigned char *p = data;
    unsigned char last[2 * BLOCK] = {0};
    size_t end;

    if (first != NULL)
        add_block(h, first);
    for (; size >= BLOCK; size -= BLOCK, p += BLOCK)
        add_block(h, p);
    memcpy(last, p, size);
    last[size] = 0x80;
    end = size + 1 + sizeof bits <= BLOCK ? BLOCK : 2 * BLOCK;
    for (size_t i = end; bits > 0; bits >>= 8)
        last[--i] = (unsigned char)bits;
    for (size_t i = 0; i < end; i += BLOCK)
        add_block(h, last + i);
    for (int i = 0; i < SHA256_SIZE; i++)
        digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* RFC 2104: hash(key ^ 0x5c, hash(key ^ 0x36, data)). The hash of key and data
 * alone is not enough: from one such hash an attacker can compute that of
 * longer data. */
void
hmac_sha256(unsigned char mac[SHA256_SIZE], const void *key, size_t key_size,
            const void *data, size_t size)
{
    unsigned char inner[BLOCK] = {0}, outer[BLOCK];

    if (key_size > BLOCK)
        sha256(inner, NULL, key, key_size);
    else
        memcpy(inner, key, key_size);
    for (int i = 0; i < BLOCK; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    sha256(mac, inner, data, size);
    sha256(mac, outer, mac, SHA256_SIZE);
}
