#ifndef DAYLIGHT_CLIBPQ_SHIM_H
#define DAYLIGHT_CLIBPQ_SHIM_H
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// Swift imports neither the EPOLL* enumerators as integers nor the GNU thread-name call.
static const unsigned int daylight_epollin = EPOLLIN;
static const unsigned int daylight_epollout = EPOLLOUT;
static const unsigned int daylight_epolloneshot = EPOLLONESHOT;
static const int daylight_epoll_cloexec = EPOLL_CLOEXEC;
static const int daylight_efd_cloexec = EFD_CLOEXEC;
// The header hides POLLRDHUP without _GNU_SOURCE, which Swift does not set.
static const short daylight_pollrdhup = 0x2000;
extern int pthread_setname_np(pthread_t, const char *);
#endif
