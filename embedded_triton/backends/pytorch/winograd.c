/* 3x3 convolutions, stride 1, padding 1, by Winograd's method (Lavin and Gray, 2015,
 * https://arxiv.org/abs/1509.09308). With STEP 4, F(4x4, 3x3): of a tile of 6x6 pixels 36 products make the 4x4 results
 * that 144 would make. With STEP 2, F(2x2, 3x3): of 4x4 pixels 16 make 2x2, instead of 36.
 *
 * A block of tiles is transformed, multiplied by the transformed weights as one product of matrices for each pixel of a
 * tile, and transformed back while it is in the cache. Images are NHWC; channels are multiples of 16, outputs 32 at
 * least.
 */

#include <string.h>

#include "vectors.h"

enum { TILE = STEP + 2, PRODUCTS = TILE * TILE, BLOCK = 36, AHEAD = 1024 };

/* Distance of the matrices of a block: no multiple of a page, or all would want the same lines of the cache. */
static long distance(long channels) {
    const long floats = BLOCK * channels;
    return floats + (1024 + 16 - floats % 1024) % 1024;
}

#if STEP == 4
INLINE void transform(const vector in[TILE], vector out[TILE]) {
    const vector even = in[4] - 4.0f * in[2], odd = in[3] - 4.0f * in[1];
    const vector even_half = in[4] - in[2], odd_half = 2.0f * (in[3] - in[1]);
    out[0] = 4.0f * in[0] - 5.0f * in[2] + in[4];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = even_half + odd_half;
    out[4] = even_half - odd_half;
    out[5] = 4.0f * in[1] - 5.0f * in[3] + in[5];
}

INLINE void transform_back(const vector in[TILE], vector out[STEP]) {
    const vector sum = in[1] + in[2], difference = in[1] - in[2];
    const vector sum_of_twos = in[3] + in[4], difference_of_twos = in[3] - in[4];
    out[0] = in[0] + sum + sum_of_twos;
    out[1] = difference + 2.0f * difference_of_twos;
    out[2] = sum + 4.0f * sum_of_twos;
    out[3] = difference + 8.0f * difference_of_twos + in[5];
}
#else
INLINE void transform(const vector in[TILE], vector out[TILE]) {
    out[0] = in[0] - in[2];
    out[1] = in[1] + in[2];
    out[2] = in[2] - in[1];
    out[3] = in[3] - in[1];
}

INLINE void transform_back(const vector in[TILE], vector out[STEP]) {
    out[0] = in[0] + in[1] + in[2];
    out[1] = in[1] - in[2] + in[3];
}
#endif

/* A tile, whose pixels lie where they may, to a row of each of the matrices at `to`. */
static void transform_tile(const float *const pixels[TILE][TILE], long channels, float *to) {
    const long apart = distance(channels);
    for (long channel = 0; channel < channels; channel += LANES) {
        vector columns[TILE][TILE];
        for (int x = 0; x < TILE; x++) {
            vector column[TILE];
            for (int y = 0; y < TILE; y++) {
                column[y] = load(pixels[y][x] + channel);
                /* What the next tile has beside this one comes while this one is transformed. */
                if (x >= TILE - STEP && channel % LINE == 0)
                    __builtin_prefetch(pixels[y][x] + STEP * channels + channel);
            }
            transform(column, columns[x]);
        }
        for (int y = 0; y < TILE; y++) {
            vector line[TILE], out[TILE];
            for (int x = 0; x < TILE; x++) line[x] = columns[x][y];
            transform(line, out);
            for (int x = 0; x < TILE; x++) store(to + (y * TILE + x) * apart + channel, out[x]);
        }
    }
}

/* A row of each of the matrices to as many results of a tile as lie in the image; `residual` lies as they do. */
static void finish_tile(const float *from, long outputs, const float *bias, const float *residual, int relu, long row,
                        long height, long width, float *result) {
    const long apart = distance(outputs);
    for (long channel = 0; channel < outputs; channel += LANES) {
        vector columns[TILE][STEP];
        for (int x = 0; x < TILE; x++) {
            vector column[TILE];
            for (int y = 0; y < TILE; y++) column[y] = load(from + (y * TILE + x) * apart + channel);
            transform_back(column, columns[x]);
        }
        const vector added = load(bias + channel);
        for (int y = 0; y < height; y++) {
            vector line[TILE], out[STEP];
            for (int x = 0; x < TILE; x++) line[x] = columns[x][y];
            transform_back(line, out);
            for (int x = 0; x < width; x++) {
                const long at = y * row + x * outputs + channel;
                vector value = out[x] + added;
                if (residual) value += load(residual + at);
                /* Where the next tile's results go comes while these are written. */
                if (channel % LINE == 0) {
                    __builtin_prefetch(result + at + STEP * outputs, 1);
                    if (residual) __builtin_prefetch(residual + at + STEP * outputs);
                }
                store(result + at, relu ? cut_off_at_zero(value) : value);
            }
        }
    }
}

/* rows x channels times channels x (vectors * LANES). */
INLINE void multiply_rows(int rows, int vectors, const float *left, long channels, const float *right, float *to,
                          long outputs) {
    vector sums[ROWS][3];
    const float *each_left[ROWS];
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
        each_left[row] = left + row * channels;
#pragma clang loop unroll(full)
        for (int each = 0; each < vectors; each++) sums[row][each] = (vector){0};
    }
    multiply(rows, vectors, each_left, channels, right, AHEAD, sums);
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
        for (int each = 0; each < vectors; each++) store(to + row * outputs + each * LANES, sums[row][each]);
}

#define MULTIPLY(rows, vectors)                                                                                        \
    for (; row + (rows) <= tiles; row += (rows))                                                                       \
    multiply_rows(rows, vectors, left + row * channels, channels, right, to + row * outputs, outputs)

static void multiply_tiles(long tiles, int vectors, const float *left, long channels, const float *right, float *to,
                           long outputs) {
    long row = 0;
    if (vectors == 2) {
        MULTIPLY(ROWS, 2);
        MULTIPLY(ROWS * 3 / 4, 2);
        MULTIPLY(ROWS / 3, 2);
        MULTIPLY(1, 2);
    } else {
        MULTIPLY(ROWS * 3 / 4, 3);
        MULTIPLY(ROWS / 3, 3);
        MULTIPLY(1, 3);
    }
}

long prepared_floats(const convolution *of) { return PRODUCTS * of->channels * of->outputs; }

long scratch_floats(const convolution *of) {
    return PRODUCTS * (distance(of->channels) + distance(of->outputs)) + of->channels;
}

void prepare(const convolution *of, const float *weights, float *prepared) {
    const long channels = of->channels, outputs = of->outputs;
#if STEP == 4
    static const double matrix[TILE][3] = {{1. / 4, 0, 0},
                                           {-1. / 6, -1. / 6, -1. / 6},
                                           {-1. / 6, 1. / 6, -1. / 6},
                                           {1. / 24, 1. / 12, 1. / 6},
                                           {1. / 24, -1. / 12, 1. / 6},
                                           {0, 0, 1}};
#else
    static const double matrix[TILE][3] = {{1, 0, 0}, {1. / 2, 1. / 2, 1. / 2}, {1. / 2, -1. / 2, 1. / 2}, {0, 0, 1}};
#endif
    for (int y = 0; y < TILE; y++)
        for (int x = 0; x < TILE; x++)
            for (long first = 0, width; first < outputs; first += width) {
                width = panel((outputs - first) / LANES) * LANES;
                for (long channel = 0; channel < channels; channel++)
                    for (long output = first; output < first + width; output++) {
                        const float *kernel = weights + (output * channels + channel) * 9;
                        double sum = 0;
                        for (int i = 0; i < 3; i++)
                            for (int j = 0; j < 3; j++) sum += matrix[y][i] * matrix[x][j] * kernel[i * 3 + j];
                        *prepared++ = (float)sum;
                    }
            }
}

void convolve(const convolution *of, const float *images, const float *prepared, const float *bias,
              const float *residual, int relu, float *result, float *scratch) {
    const long height = of->height, width = of->width, channels = of->channels, outputs = of->outputs;
    const long down = (height + STEP - 1) / STEP, across = (width + STEP - 1) / STEP;
    const long tiles = of->photos * down * across;
    float *const transformed = scratch;
    float *const products = transformed + PRODUCTS * distance(channels);
    float *const zeros = products + PRODUCTS * distance(outputs);
    memset(zeros, 0, sizeof(float) * channels);
    for (long first = 0; first < tiles; first += BLOCK) {
        const long count = tiles - first < BLOCK ? tiles - first : BLOCK;
        for (long tile = 0; tile < count; tile++) {
            const long photo = (first + tile) / (down * across), within = (first + tile) % (down * across);
            const long top = within / across * STEP - 1, left = within % across * STEP - 1;
            const float *const image = images + photo * height * width * channels;
            const float *pixels[TILE][TILE];
            for (long y = 0; y < TILE; y++)
                for (long x = 0; x < TILE; x++) {
                    const long row = top + y, column = left + x;
                    const int in_image = row >= 0 && row < height && column >= 0 && column < width;
                    pixels[y][x] = in_image ? image + (row * width + column) * channels : zeros;
                }
            transform_tile(pixels, channels, transformed + tile * channels);
        }
        const float *weights = prepared;
        for (int product = 0; product < PRODUCTS; product++)
            for (long output = 0, vectors; output < outputs; output += vectors * LANES) {
                vectors = panel((outputs - output) / LANES);
                multiply_tiles(count, vectors, transformed + product * distance(channels), channels, weights,
                         products + product * distance(outputs) + output, outputs);
                weights += channels * vectors * LANES;
            }
        for (long tile = 0; tile < count; tile++) {
            const long photo = (first + tile) / (down * across), within = (first + tile) % (down * across);
            const long top = within / across * STEP, left = within % across * STEP;
            const long at = ((photo * height + top) * width + left) * outputs;
            finish_tile(products + tile * outputs, outputs, bias, residual ? residual + at : 0, relu, width * outputs,
                        height - top < STEP ? height - top : STEP, width - left < STEP ? width - left : STEP,
                        result + at);
        }
    }
}
