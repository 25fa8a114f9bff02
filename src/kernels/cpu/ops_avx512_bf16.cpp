// The operations for one instruction set. Built with its own flags: includes only the bodies and plain C
// headers.
#include "kernels/op_args.h"

// The vocabulary comes before the bodies that are written in it.
#include "kernels/cpu/vec_avx512.h"

#include "kernels/cpu/dot_vnni.h"

#include "kernels/cpu/ops_avx512_bodies.h"

#include "kernels/cpu/rounded_body_avx512.h"

extern const nestor::kernels::OpTable nestor_ops_avx512_bf16;
const nestor::kernels::OpTable nestor_ops_avx512_bf16 = {
    "avx512_bf16", matmul,  matmul_transposed, rms_norm,   layer_norm,
    swiglu,        softmax, add_scaled,        widen,      encode_rows,
    matmul_coded,  nullptr, nullptr,           round_rows, matmul_rounded};
