/* [31] sha256.h -- the hash SHA-256, and signatures with a key.
 *
 *     Tornado 2.0 takes SHA-1 from Python's hashlib and hmac; since 3.2.1 it
 *     takes SHA-256.
 *     Layer 5. FIPS 180-4, RFC 2104; tested with the examples of RFC 4231. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>

enum { SHA256_SIZE = 32 };

/* hmac.new(key, data, sha256).digest(): a number that cannot be computed
 * without the key, and that changes with every bit of the data. */
void hmac_sha256(unsigned char mac[SHA256_SIZE], const void *key,
                 size_t key_size, const void *data, size_t size);

#endif
