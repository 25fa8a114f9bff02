// The bodies of the AVX-512 sets, in the order in which they need each other.
#pragma once

#include "kernels/cpu/stored_number.h"
#include "kernels/encoded_rows.h"

#include "kernels/cpu/tiled_body.h"

#include "kernels/cpu/encode_avx512.h"

#include "kernels/cpu/coded_blocks_avx512.h"

#include "kernels/cpu/coded_panels_body.h"

#include "kernels/cpu/coded_passes_avx512.h"

#include "kernels/cpu/coded_body_avx512.h"

#include "kernels/cpu/coded_product_body.h"

#include "kernels/cpu/encode_body.h"
#include "kernels/cpu/turn_avx512.h"

#include "kernels/cpu/coded_transposed_body.h"

#include "kernels/cpu/matmul_blocked_body.h"

#include "kernels/cpu/matmul_body.h"
#include "kernels/cpu/matmul_transposed_body.h"
#include "kernels/cpu/rows_body.h"
