/* Convolutions of any size and stride in single precision as a product of matrices of which the left one is never
 * written down (implicit GEMM): a row of it is what the kernel sees of a photo for one pixel of the result, and lies in
 * the photo already, in one piece for each row of the kernel.
 *
 * Images are NHWC; outputs are multiples of 16, and 32 at least. Where a kernel reaches over the border, a copy of the
 * photo with zeros around it is read.
 */

#include <string.h>

#include "vectors.h"

/* No more than MOST_INPUTS products are summed up for a result at a time, and as many outputs are made together as have no
 * more than CACHED weights then: those stay in the second cache of a core while MOST_PIXELS pixels and more want them. */
enum { MOST_INPUTS = 512, CACHED = 65536, MOST_PIXELS = 256 };

static long least(long left, long right) { return left < right ? left : right; }
static long above(long value, long divisor) { return (value + divisor - 1) / divisor; }
static long result_height(const convolution *of) { return (of->height + 2 * of->padding - of->rows) / of->stride + 1; }
static long result_width(const convolution *of) { return (of->width + 2 * of->padding - of->columns) / of->stride + 1; }

/* Photos that are made together. */
static long block(const convolution *of) {
    return least(of->photos, above(MOST_PIXELS, result_height(of) * result_width(of)));
}

/* Inputs that are summed up at a time: `pieces` of `length`. */
typedef struct {
    long pieces, length;
} step;

static step longest(const convolution *of) {
    const long row = of->columns * of->channels;
    if (of->rows * row <= MOST_INPUTS) return (step){of->rows, row};
    return (step){1, above(row, above(row, MOST_INPUTS))};
}

/* Outputs of `left` that are made together: pairs of vectors, but for one of three where their number is odd. */
static long stripe(step step, long left) {
    const long most = CACHED / (step.pieces * step.length) / (2 * LANES) * 2 * LANES;
    return left <= most ? left : most - left % (2 * LANES);
}

long prepared_floats(const convolution *of) { return of->rows * of->columns * of->channels * of->outputs; }

long scratch_floats(const convolution *of) {
    const long height = of->height + 2 * of->padding, width = of->width + 2 * of->padding;
    return of->padding ? block(of) * height * width * of->channels : 0;
}

void prepare(const convolution *of, const float *weights, float *prepared) {
    const long row = of->columns * of->channels;
    const step most = longest(of);
    for (long first = 0, outputs; first < of->outputs; first += outputs) {
        outputs = stripe(most, of->outputs - first);
        for (long y = 0; y < of->rows; y += most.pieces)
            for (long begin = 0; begin < row; begin += most.length)
                for (long output = first, width; output < first + outputs; output += width) {
                    width = panel((first + outputs - output) / LANES) * LANES;
                    for (long piece = y; piece < y + most.pieces; piece++)
                        for (long input = begin; input < least(begin + most.length, row); input++)
                            for (long each = output; each < output + width; each++) {
                                const long x = input / of->channels, channel = input % of->channels;
                                *prepared++ =
                                    weights[((each * of->channels + channel) * of->rows + piece) * of->columns + x];
                            }
                }
    }
}

/* Some pixels of the result, for one panel of outputs. `bias` is null where `to` holds sums already. */
INLINE void make(int rows, int vectors, const float *const left[ROWS], long apart, step step, const float *right,
                 const float *bias, const float *residual, int relu, long outputs, float *to) {
    vector sums[ROWS][3];
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
        for (int each = 0; each < vectors; each++) {
            const long at = row * outputs + each * LANES, next = at + rows * outputs;
            sums[row][each] = bias ? load(bias + each * LANES) : load(to + at);
            if (residual) sums[row][each] += load(residual + at);
            /* What the next rows need comes while these are multiplied. */
            if (each * LANES % LINE) continue;
            __builtin_prefetch(to + next, 1);
            if (residual) __builtin_prefetch(residual + next);
        }
    for (long piece = 0; piece < step.pieces; piece++) {
        const float *at[ROWS];
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) at[row] = left[row] + piece * apart;
        multiply(rows, vectors, at, step.length, right + piece * step.length * vectors * LANES, 0, sums);
    }
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
        for (int each = 0; each < vectors; each++)
            store(to + row * outputs + each * LANES, relu ? cut_off_at_zero(sums[row][each]) : sums[row][each]);
}

/* Where the pixels of the result begin in a photo, one after the other. */
typedef struct {
    const float *at;
    long x, y, width, height, right, down, next;
} walk;

INLINE const float *advance(walk *walk) {
    const float *const at = walk->at;
    walk->at += walk->right;
    if (++walk->x == walk->width) {
        walk->x = 0;
        walk->at += walk->down;
        if (++walk->y == walk->height) {
            walk->y = 0;
            walk->at += walk->next;
        }
    }
    return at;
}

#define MAKE(count, vectors)                                                                                           \
    for (; pixel + (count) <= pixels; pixel += (count)) {                                                              \
        const float *left[ROWS];                                                                                       \
        for (int row = 0; row < (count); row++) left[row] = advance(&walk);                                            \
        const long at = pixel * of->outputs;                                                                           \
        const float *right = weights;                                                                                  \
        for (long output = 0; output < outputs; output += (vectors) * LANES) {                                         \
            make(count, vectors, left, apart, step, right, bias ? bias + output : 0,                                   \
                 residual ? residual + at + output : 0, relu, of->outputs, result + at + output);                      \
            right += step.pieces * step.length * (vectors) * LANES;                                                    \
        }                                                                                                              \
    }

/* All pixels of a block of photos, for outputs in panels of two vectors or in the one of three. */
static void make_all(const convolution *of, walk walk, long pixels, long apart, step step, const float *weights,
                     long outputs, const float *bias, const float *residual, int relu, float *result) {
    long pixel = 0;
    if (outputs != 3 * LANES) {
        MAKE(ROWS, 2);
        MAKE(ROWS / 3, 2);
        MAKE(1, 2);
    } else {
        MAKE(ROWS * 3 / 4, 3);
        MAKE(ROWS / 3, 3);
        MAKE(1, 3);
    }
}

/* Photos with zeros around them. */
static void pad(const convolution *of, const float *images, long photos, float *padded) {
    const long row = of->width * of->channels, side = of->padding * of->channels;
    const long edge = of->padding * (row + 2 * side) * sizeof(float);
    for (long photo = 0; photo < photos; photo++) {
        memset(padded, 0, edge);
        padded += of->padding * (row + 2 * side);
        for (long y = 0; y < of->height; y++) {
            memset(padded, 0, side * sizeof(float));
            memcpy(padded + side, images, row * sizeof(float));
            memset(padded + side + row, 0, side * sizeof(float));
            padded += row + 2 * side;
            images += row;
        }
        memset(padded, 0, edge);
        padded += of->padding * (row + 2 * side);
    }
}

void convolve(const convolution *of, const float *images, const float *prepared, const float *bias,
              const float *residual, int relu, float *result, float *scratch) {
    const long height = of->height + 2 * of->padding, width = of->width + 2 * of->padding;
    const long row = of->columns * of->channels, apart = width * of->channels, right = of->stride * of->channels;
    const long down = of->stride * apart, made_height = result_height(of), made_width = result_width(of);
    const step most = longest(of);
    for (long photo = 0, photos; photo < of->photos; photo += photos) {
        photos = least(block(of), of->photos - photo);
        const float *from = images + photo * of->height * of->width * of->channels;
        if (of->padding) {
            pad(of, from, photos, scratch);
            from = scratch;
        }
        const long pixels = photos * made_height * made_width, at = photo * made_height * made_width * of->outputs;
        const float *weights = prepared;
        for (long first = 0, outputs; first < of->outputs; first += outputs) {
            outputs = stripe(most, of->outputs - first);
            for (long y = 0; y < of->rows; y += most.pieces)
                for (long begin = 0; begin < row; begin += most.length) {
                    const step step = {most.pieces, least(most.length, row - begin)};
                    const int is_first = !y && !begin;
                    const int is_last = y + step.pieces == of->rows && begin + step.length == row;
                    const walk walk = {from + y * apart + begin, 0, 0, made_width, made_height, right,
                                       down - made_width * right, height * apart - made_height * down};
                    for (long output = first, width; output < first + outputs; output += width) {
                        width = (first + outputs - output) / LANES % 2 ? 3 * LANES : first + outputs - output;
                        make_all(of, walk, pixels, apart, step, weights, width, is_first ? bias + output : 0,
                                 residual && is_first ? residual + at + output : 0, relu && is_last,
                                 result + at + output);
                        weights += step.pieces * step.length * width;
                    }
                }
        }
    }
}
