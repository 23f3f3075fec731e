#include "reactor_alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { US_OF_S = 1000000, NS_OF_US = 1000 };

struct reactor_alarm {
	int fd;
	reactor_watch *watch;
	void (*fn)(void *self);
	void *self;
};

static void on_due(void *self, int fd, int events)
{
	reactor_alarm *a = self;
	uint64_t times;
	(void)events;
	if (read(fd, &times, sizeof(times)) == (ssize_t)sizeof(times)) /* else it was set anew */
		a->fn(a->self);
}

reactor_alarm *reactor_alarm_new(reactor *r, void (*fn)(void *self), void *self)
{
	reactor_alarm *a = sot_alloc(sizeof(*a));
	a->fn = fn;
	a->self = self;
	a->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (a->fd < 0) {
		perror("reactor: timerfd");
		abort();
	}
	a->watch = reactor_add_fd(r, a->fd, REACTOR_READ, on_due, a);
	return a;
}

reactor_alarm *reactor_alarm_free(reactor_alarm *a)
{
	if (!a)
		return NULL;
	reactor_remove(a->watch);
	(void)close(a->fd);
	free(a);
	return NULL;
}

static void set(const reactor_alarm *a, int64_t us)
{
	struct itimerspec due = {
	    .it_value = {.tv_sec = us / US_OF_S, .tv_nsec = us % US_OF_S * NS_OF_US}};
	(void)timerfd_settime(a->fd, 0, &due, NULL); /* fails only for times that are none */
}

void reactor_alarm_set_us(reactor_alarm *a, int64_t delay_us)
{
	set(a, delay_us > 0 ? delay_us : 1);
}

void reactor_alarm_stop(reactor_alarm *a)
{
	set(a, 0);
}
