/* Vectors of single precision, and the product of matrices that the convolutions here are made of. */

#include "convolution.h"

/* The registers hold ROWS x 2 vectors of sums, or three quarters of ROWS x 3, and what is multiplied. A product of as few
 * rows as with AVX2 is so short that counting to the next takes time: AT_ONCE of them are written out. */
#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 12, AT_ONCE = 1 };
#else
enum { LANES = 8, ROWS = 6, AT_ONCE = 4 };
#endif
/* Floats of a line of the cache. */
enum { LINE = 16 };

int has_vectors(void) {
#if defined(__AVX512F__) || (defined(__AVX2__) && defined(__FMA__))
    return 1;
#else
    return 0;
#endif
}

typedef float vector __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#define INLINE static inline __attribute__((always_inline))

INLINE vector load(const float *from) { return *(const vector *)from; }
INLINE void store(float *to, vector values) { *(vector *)to = values; }

INLINE vector cut_off_at_zero(vector values) {
    for (int lane = 0; lane < LANES; lane++) values[lane] = values[lane] < 0 ? 0 : values[lane];
    return values;
}

/* The columns of weights are cut into panels of two vectors, and one of three where their number is odd. */
INLINE int panel(long vectors) { return vectors % 2 ? 3 : 2; }

/* Add rows x length times length x (vectors * LANES) to the sums, which stay in registers. `ahead` is how many floats
 * before their turn the weights are fetched: a page, where they come from far, for the processor does not look beyond
 * one by itself; 0 is not at all. */
INLINE void multiply(int rows, int vectors, const float *const left[], long length, const float *right, long ahead,
                     vector sums[ROWS][3]) {
#pragma clang loop unroll_count(AT_ONCE)
    for (long each = 0; each < length; each++) {
        if (ahead)
            for (int column = 0; column < vectors * LANES; column += LINE)
                __builtin_prefetch(right + each * vectors * LANES + column + ahead, 0, 2);
        vector weights[3];
#pragma clang loop unroll(full)
        for (int column = 0; column < vectors; column++)
            weights[column] = load(right + (each * vectors + column) * LANES);
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) {
            const float value = left[row][each];
#pragma clang loop unroll(full)
            for (int column = 0; column < vectors; column++) sums[row][column] += value * weights[column];
        }
    }
}
