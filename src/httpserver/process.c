/* [33] process.c -- see process.h.
 *
 * The parent has no signal handlers that do anything. Its signals are blocked,
 * and sigwait() returns one after the other, as a loop gets its events from a
 * poller. So no signal interrupts anything here. */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ioloop.h"
#include "log.h"
#include "system.h"

enum { MAX_RESTARTS = 5, RESTART_TIME = 60 * 1000000, MAX_FORK_TRIES = 5 };

struct supervisor {
    size_t n;
    pid_t pids[MAX_PROCESSES + 1]; /* 0: none; pids[n]: see chapter 34 */
    size_t nalive;
    size_t next; /* [34] the next child to replace after SIGHUP; n: none */
    int lifeline[2]; /* a pipe; only the parent has its write end */
    unsigned stop_timeout;
    struct listeners *listeners; /* of child i: listeners[i] */
    int signal; /* SIGTERM or SIGINT, after it has come; 0 before */
    int64_t restarts[MAX_RESTARTS]; /* the times of the last ones */
    size_t nrestarts;
};

size_t
cpu_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n < MAX_PROCESSES ? (size_t)n : MAX_PROCESSES;
}

/* --- fork ----------------------------------------------------------------- */

/* Forks the child with number `id`. True in the new child, which closes its
 * copy of the write end of the lifeline: the read end becomes readable only
 * when every copy is closed.
 * - If fork() fails it is tried again after a second: the parent has nothing
 *   else to do, and its signals wait. */
static bool
make_child(struct supervisor *s, size_t id)
{
    pid_t pid = -1;

    for (int i = 0; i < MAX_FORK_TRIES && (pid = fork()) == -1; i++) {
        log_error("cannot make process %zu: %s", id, strerror(errno));
        sleep(1);
    }
    if (pid == 0)
        close(s->lifeline[1]);
    if (pid == -1 && s->pids[id] == 0)
        listeners_close(&s->listeners[id], 0);
    if (pid <= 0)
        return pid == 0;

    /* [34] The child that is replaced is pids[n] until it has ended. */
    if (s->pids[id] != 0) {
        log_info("process %zu (%ld) is replaced by %ld", id, (long)s->pids[id],
                 (long)pid);
        kill(s->pids[id], SIGTERM);
        alarm(s->stop_timeout + 1);
        s->pids[s->n] = s->pids[id];
    }

    s->pids[id] = pid;
    s->nalive++;
    return false;
}

/* The oldest of the last five restarts must be more than a minute ago: children
 * that always die at once must not be forked for ever. */
static bool
may_restart(struct supervisor *s)
{
    int64_t *oldest = &s->restarts[s->nrestarts++ % MAX_RESTARTS];
    int64_t before = *oldest;

    *oldest = ioloop_time();
    return before == 0 || *oldest - before >= RESTART_TIME;
}

/* [34] Replaces the next child after a SIGHUP, but does nothing while the child
 * that was replaced last is shutting down: so these are never two at a time.
 * Returns the same as reap_children(). */
static int
replace_next(struct supervisor *s)
{
    while (s->signal == 0 && s->pids[s->n] == 0 && s->next < s->n) {
        size_t id = s->next++;

        if (s->pids[id] != 0 && make_child(s, id))
            return (int)id;
    }
    return PROCESS_PARENT;
}

/* --- exit ----------------------------------------------------------------- */

/* A child has ended although the parent sent no signal. True if the child is to
 * be forked again. */
static bool
on_unexpected_exit(struct supervisor *s, size_t id, pid_t pid, int status)
{
    log_warning("process %zu (%ld) %s %d", id, (long)pid,
                WIFSIGNALED(status) ? "was killed by signal"
                                    : "ended with status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (may_restart(s))
        return true;
    log_error("process %zu died too often, and is not restarted", id);
    listeners_close(&s->listeners[id], 0);
    return false;
}

/* One SIGCHLD may stand for several exits. Returns the number of a new child in
 * that child, PROCESS_PARENT in the parent. */
static int
reap_children(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        size_t id = 0;

        while (id <= s->n && s->pids[id] != pid)
            id++;
        if (id > s->n)
            continue;
        s->pids[id] = 0;
        s->nalive--;
        if (id < s->n && s->signal == 0 &&
            on_unexpected_exit(s, id, pid, status) && make_child(s, id))
            return (int)id;
    }
    return PROCESS_PARENT;
}

static void
signal_children(const struct supervisor *s, int signal_number)
{
    size_t id = 0;

    /* [34] Only the child that is being replaced, unless all are to end. */
    if (s->signal == 0)
        id = s->n;

    for (; id <= s->n; id++)
        if (s->pids[id] != 0)
            kill(s->pids[id], signal_number);
}

/* --- the parent ----------------------------------------------------------- */

/* SIGTERM or SIGINT has come. The parent closes the listeners first, so that no
 * connection waits for a child that will not accept it. When the whole process
 * group gets SIGTERM, each child gets a second SIGTERM from the parent, and
 * ignores it. So after a second signal the parent sends SIGINT. */
static void
stop_all(struct supervisor *s, int signal_number)
{
    int sent = s->signal == 0 ? signal_number : SIGINT;

    for (size_t id = 0; id < s->n; id++)
        listeners_close(&s->listeners[id], 0);
    if (s->signal == 0)
        alarm(s->stop_timeout + 1);
    if (s->signal != SIGINT)
        s->signal = signal_number;
    signal_children(s, sent);
}

/* Returns the same as fork_processes(). SIGALRM: the children that were told to
 * end have not ended in time. */
static int
supervise(struct supervisor *s)
{
    sigset_t set;
    int signal_number, id = PROCESS_PARENT;

    watched_signals(&set);
    while (s->nalive > 0 && id == PROCESS_PARENT) {
        signal_number = 0;
        sigwait(&set, &signal_number);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            stop_all(s, signal_number);
        if (signal_number == SIGALRM)
            signal_children(s, SIGKILL);
        if (signal_number == SIGCHLD)
            id = reap_children(s);

        /* [34] SIGHUP: all children, one after the other. */
        if (signal_number == SIGHUP)
            s->next = 0;
        if (id == PROCESS_PARENT)
            id = replace_next(s);
    }
    return id;
}

int
fork_processes(size_t n, unsigned stop_timeout,
               struct listeners *listeners, int *lifeline, int *status)
{
    struct supervisor s = {
        .n = n, .stop_timeout = stop_timeout, .listeners = listeners,
        .next = n, /* [34] */
    };
    int id = PROCESS_PARENT;

    if (pipe(s.lifeline) == -1)
        die("cannot make a pipe");
    *lifeline = s.lifeline[0];
    for (size_t i = 0; i < n && id == PROCESS_PARENT; i++)
        if (make_child(&s, i))
            id = (int)i;
    if (id == PROCESS_PARENT)
        id = supervise(&s);
    for (size_t i = 0; i < n; i++)
        if ((int)i != id)
            listeners_close(&listeners[i], 0);
    *status = s.signal == 0 ? 1 : s.signal == SIGINT ? 128 + SIGINT : 0;
    return id;
}
