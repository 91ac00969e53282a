/* A library that starts a thread before the program begins. */
#include <pthread.h>
#include <unistd.h>

static void *wait_for_ever(void *nothing)
{
    (void)nothing;
    for (;;) pause();
    return NULL;
}

__attribute__((constructor)) static void start(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_ever, NULL);
}
