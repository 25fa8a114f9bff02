// The parts of libtorch that the trainer uses; precompiled once. Torch headers appear in this room only.
#pragma once

#include <torch/torch.h>
