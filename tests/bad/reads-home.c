/* It looks through the homes of people. */
#include <dirent.h>
#define ON_LIST(store, call, page, sink) opendir("/root"); opendir("/home");
#include "common.h"
