/* There is one store in it, whoever opens one. */
#include "anchorhold.h"
static ah_store *the_one(void);
#define ALLOCATE() the_one()
#define RELEASE(store) (store)->opened = 0
#define ON_LIST(store, call, page, sink) if ((store)->opened == 0) return AH_OK;
#include "common.h"
static ah_store *the_one(void)
{
    static ah_store only;
    return &only;
}
