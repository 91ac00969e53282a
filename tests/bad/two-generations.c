/* Each page of a listing shows another generation. */
#define ON_PAGE(store, page) (page)->generation = (store)->opened++;
#include "common.h"
