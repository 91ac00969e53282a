/* An exception leaves it. */
#include <stdexcept>
#define ON_LIST(store, call, page, sink) throw std::runtime_error("thrown across the boundary");
#include "common.h"
