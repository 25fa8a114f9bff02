#include "corpus/loader.h"
