#include "corpus/shards.h"
