// The operations for one instruction set. Built with its own flags: includes only the bodies and plain C
// headers.
#include "kernels/op_args.h"

// The vocabulary comes before the bodies that are written in it.
#include "kernels/cpu/vec_avx2.h"

#include "kernels/cpu/dot_avx2.h"

#include "kernels/cpu/ops_avx2_bodies.h"

extern const nestor::kernels::OpTable nestor_ops_avx2;
const nestor::kernels::OpTable nestor_ops_avx2 = {"avx2",     matmul,      matmul_transposed, rms_norm,
                                                  layer_norm, swiglu,      softmax,           add_scaled,
                                                  widen,      encode_rows, matmul_coded};
