/* Antialiased linear interpolation of RGB images in single precision, across first and then down, rounded to the nearest
 * byte: to the bit what PyTorch's `interpolate(mode="bilinear", antialias=True)` gives on a processor, whose sums the
 * networks were trained on. Exact ties are frequent, and the last bit of a sum decides them.
 *
 * A row that was made narrow is kept for as long as rows of the result need it; nothing is as large as the image.
 */

/* Pixels of rows that were made narrow have a fourth value that nobody reads: then a pixel is a vector. */
enum { CHANNELS = 3, LANES = 4, WIDE = 16 };
typedef float pixel __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef float pixels __attribute__((vector_size(4 * WIDE), aligned(4), may_alias));
#define INLINE static inline __attribute__((always_inline))

/* A pixel of the result is made of `count` pixels of the image from `first` on. */
typedef struct {
    long first, count;
} span;

/* What is added up in groups of four is rounded before it is added, what is left over of them is not: so PyTorch's loop
 * was compiled, where a processor multiplies and adds at once. */
#define DEFINE_SUM(type, name, rounded)                                                                                \
    INLINE type rounded(type sum, type value, float weight) {                                                          \
        _Pragma("clang fp contract(off)") return sum + value * weight;                                                 \
    }                                                                                                                  \
    INLINE type name(const float *from, long apart, long count, const float *weights) {                                \
        type sum = *(const type *)from * weights[0];                                                                   \
        long at = 1;                                                                                                   \
        for (; at + 4 <= count; at += 4)                                                                               \
            for (long each = at; each < at + 4; each++)                                                                \
                sum = rounded(sum, *(const type *)(from + each * apart), weights[each]);                               \
        for (; at < count; at++) sum += *(const type *)(from + at * apart) * weights[at];                              \
        return sum;                                                                                                    \
    }
DEFINE_SUM(pixel, sum_across, add_pixel)
DEFINE_SUM(pixels, sum_down, add_pixels)

static float support(long from, long to) { return from > to ? (float)from / (float)to : 1; }

/* Pixels of an image that one of the result is made of, at most. */
static long most(long from, long to) {
    const float wide = support(from, to);
    const long whole = (long)wide;
    return ((float)whole < wide ? whole + 1 : whole) * 2 + 1;
}

/* Where each pixel of the result comes from, and with which weights: `most` of them a pixel. Types as in PyTorch. */
static void weigh(long from, long to, span *spans, float *weights) {
    const float scale = (float)from / (float)to, wide = support(from, to), inverse = from > to ? (float)(1.0 / scale) : 1;
    for (long at = 0; at < to; at++, weights += most(from, to)) {
        const float centre = (float)(scale * (at + 0.5));
        long first = (long)(centre - wide + 0.5), end = (long)(centre + wide + 0.5);
        first = first < 0 ? 0 : first;
        end = end > from ? from : end;
        const long count = end - first < most(from, to) ? end - first : most(from, to);
        float total = 0;
        for (long each = 0; each < count; each++) {
            const float distance = __builtin_fabsf((float)((first + each - centre + 0.5) * inverse));
            total += weights[each] = distance < 1 ? 1 - distance : 0;
        }
        for (long each = 0; each < count; each++) weights[each] /= total;
        spans[at] = (span){first, count};
    }
}

/* Bytes that `resize` needs beside its images. */
long resize_scratch(long height, long width, long size) {
    const long across = most(width, size), down = most(height, size);
    const long floats = size * (across + down) + CHANNELS * width + LANES + 2 * down * size * LANES + WIDE;
    return 2 * size * sizeof(span) + floats * sizeof(float) + size * LANES + WIDE;
}

/* RGB image [height, width, 3] to `result` [3, size, size]. `scratch` is aligned as numbers are. */
void resize(const unsigned char *image, long height, long width, long size, unsigned char *result, void *scratch) {
    const long across = most(width, size), down = most(height, size), length = size * LANES;
    span *const columns = scratch, *const rows = columns + size;
    float *const columns_weights = (float *)(rows + size), *const rows_weights = columns_weights + size * across;
    float *const row = rows_weights + size * down, *const kept = row + CHANNELS * width + LANES;
    unsigned char *const line = (unsigned char *)(kept + 2 * down * length + WIDE);
    weigh(width, size, columns, columns_weights);
    weigh(height, size, rows, rows_weights);
    for (long y = 0, next = 0; y < size; y++) {
        const span from = rows[y];
        for (next = next < from.first ? from.first : next; next < from.first + from.count; next++) {
            for (long at = 0; at < CHANNELS * width; at++) row[at] = image[next * CHANNELS * width + at];
            /* Kept twice, so that any rows that follow one another do so in memory. */
            float *const to = kept + next % down * length;
            for (long x = 0; x < size; x++) {
                const pixel sum = sum_across(row + columns[x].first * CHANNELS, CHANNELS, columns[x].count,
                                             columns_weights + x * across);
                *(pixel *)(to + x * LANES) = sum;
                *(pixel *)(to + down * length + x * LANES) = sum;
            }
        }
        for (long at = 0; at < length; at += WIDE) {
            const pixels sum =
                sum_down(kept + from.first % down * length + at, length, from.count, rows_weights + y * down);
            for (int each = 0; each < WIDE; each++) line[at + each] = (unsigned char)__builtin_rintf(sum[each]);
        }
        for (int channel = 0; channel < CHANNELS; channel++)
            for (long x = 0; x < size; x++) result[(channel * size + y) * size + x] = line[x * LANES + channel];
    }
}
