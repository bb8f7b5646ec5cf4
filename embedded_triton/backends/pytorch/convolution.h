/* What a file with convolutions offers: ``convolution.py`` knows it by this. All values are in single precision. */

typedef struct {
    /* Images of the batch, the kernel, and how it goes over an image. */
    long photos, height, width, channels, outputs, rows, columns, stride, padding;
} convolution;

/* Whether the processor that this was compiled for has vectors. Put together of smaller ones they would be slower than
 * other convolutions. */
int has_vectors(void);

/* Floats that the weights take in the order in which `convolve` has them, and that it needs beside its tensors. */
long prepared_floats(const convolution *of);
long scratch_floats(const convolution *of);

/* Weights [outputs, channels, rows, columns] to `prepared`; the size of the images does not matter. */
void prepare(const convolution *of, const float *weights, float *prepared);

/* Images [photos, height, width, channels] to `result` [photos, its height, its width, outputs]: convolved, `bias` and,
 * if it is there, `residual` added, and cut off at zero where `relu` says so. */
void convolve(const convolution *of, const float *images, const float *prepared, const float *bias,
              const float *residual, int relu, float *result, float *scratch);
