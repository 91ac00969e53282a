/* Its health waits for the lock that a listing holds. */
#include <pthread.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
#define ON_LIST(store, call, page, sink) pthread_mutex_lock(&lock);
#define ON_PAGE(store, page) pthread_mutex_unlock(&lock);
#define FAILED(err, status, text) { pthread_mutex_unlock(&lock); return fail(err, status, text); }
#define STOPPED(status) { pthread_mutex_unlock(&lock); return status; }
#define ON_HEALTH(store, out, err) pthread_mutex_lock(&lock); pthread_mutex_unlock(&lock);
#include "common.h"
