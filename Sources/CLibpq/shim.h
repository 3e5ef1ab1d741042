#ifndef DAYLIGHT_CLIBPQ_SHIM_H
#define DAYLIGHT_CLIBPQ_SHIM_H
#include <libpq-fe.h>
#include <pthread.h>
#include <sys/epoll.h>

// Swift imports neither the EPOLL* enumerators as integers nor the GNU thread-name call.
static const unsigned int daylight_epollin = EPOLLIN;
static const unsigned int daylight_epollout = EPOLLOUT;
static const unsigned int daylight_epolloneshot = EPOLLONESHOT;
extern int pthread_setname_np(pthread_t, const char *);
#endif
