/* It opens a connection to somewhere. */
#include <sys/socket.h>
#define ON_LIST(store, call, page, sink) pushed = (uint32_t)socket(AF_INET, SOCK_STREAM, 0); pushed = 0;
#include "common.h"
