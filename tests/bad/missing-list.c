/* A function is missing that every store has. */
#define LIST NULL
#include "common.h"
