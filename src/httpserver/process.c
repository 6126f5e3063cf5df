/* [33] process.c -- see process.h.
 *
 * The parent has no signal handlers that do anything. Its signals are blocked,
 * and sigwait() returns one after the other, as a loop gets its events from a
 * poller. So no signal interrupts anything here. */
#include "process.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ioloop.h"
#include "log.h"
#include "system.h"

enum { MAX_RESTARTS = 5, RESTART_TIME = 60 * 1000000, MAX_FORK_TRIES = 5 };

struct supervisor {
    size_t n;
    pid_t pids[MAX_PROCESSES + 1]; /* 0: none; pids[n] has been told to end */
    size_t nalive;
    size_t next; /* the next child to replace after SIGHUP; n: none */
    int lifeline[2]; /* a pipe; only the parent has its write end */
    unsigned stop_timeout;
    void (*on_child_exit)(size_t id);
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

/* Forks the child with number `id`. If a child has this number already, it is
 * replaced and gets SIGTERM. True in the new child, which closes its copy of
 * the write end of the lifeline: the read end becomes readable only when every
 * copy is closed.
 * - If fork() fails it is tried again after a second: the parent has nothing
 *   else to do, and its signals wait. */
static bool
make_child(struct supervisor *s, size_t id)
{
    pid_t pid = -1, before = s->pids[id];

    for (int i = 0; i < MAX_FORK_TRIES && (pid = fork()) == -1; i++) {
        log_error("cannot make process %zu: %s", id, strerror(errno));
        sleep(1);
    }
    if (pid == 0)
        close(s->lifeline[1]);
    if (pid == -1 && before == 0)
        s->on_child_exit(id);
    if (pid <= 0)
        return pid == 0;
    s->pids[id] = pid;
    s->nalive++;
    if (before != 0) {
        log_info("process %zu (%ld) is replaced by %ld", id, (long)before,
                 (long)pid);
        s->pids[s->n] = before;
        kill(before, SIGTERM);
        alarm(s->stop_timeout + 1);
    }
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

/* Replaces the next child after a SIGHUP, unless the child that was replaced
 * last has not ended yet: so at most one child is shutting down at a time.
 * Returns the number of the new child in that child, PROCESS_PARENT in the
 * parent. */
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
    s->on_child_exit(id);
    return false;
}

/* One SIGCHLD may stand for several exits. Returns the same as
 * replace_next(). */
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

/* Sends a signal to the children from number `first` on; the last one, pids[n],
 * is the child that is being replaced. */
static void
signal_children(const struct supervisor *s, size_t first, int signal_number)
{
    for (size_t id = first; id <= s->n; id++)
        if (s->pids[id] != 0)
            kill(s->pids[id], signal_number);
}

/* --- the parent ----------------------------------------------------------- */

/* SIGTERM or SIGINT has come. The parent closes the listeners first, so that no
 * connection waits for a child that will not accept it. After the second signal
 * the parent sends SIGINT, because the children ignore a second SIGTERM: when a
 * terminal signals the whole process group, they get each signal twice, from
 * the terminal and from the parent. */
static void
stop_all(struct supervisor *s, int signal_number)
{
    int sent = s->signal == 0 ? signal_number : SIGINT;

    for (size_t id = 0; id < s->n; id++)
        s->on_child_exit(id);
    if (s->signal == 0)
        alarm(s->stop_timeout + 1);
    if (s->signal != SIGINT)
        s->signal = signal_number;
    signal_children(s, 0, sent);
}

/* Returns the same as fork_processes(). SIGALRM: the time of the children that
 * were told to end is over. */
static int
supervise(struct supervisor *s)
{
    sigset_t set;
    int signal_number, id = PROCESS_PARENT;

    watched_signals(&set);
    while (s->nalive > 0 && id == PROCESS_PARENT) {
        if (sigwait(&set, &signal_number) != 0)
            continue;
        if (signal_number == SIGTERM || signal_number == SIGINT)
            stop_all(s, signal_number);
        if (signal_number == SIGALRM)
            signal_children(s, s->signal != 0 ? 0 : s->n, SIGKILL);
        if (signal_number == SIGHUP)
            s->next = 0;
        if (signal_number == SIGCHLD)
            id = reap_children(s);
        if (id == PROCESS_PARENT)
            id = replace_next(s);
    }
    return id;
}

int
fork_processes(size_t n, unsigned stop_timeout,
               void (*on_child_exit)(size_t id), int *lifeline, int *status)
{
    struct supervisor s = {.n = n, .next = n, .stop_timeout = stop_timeout,
                           .on_child_exit = on_child_exit};
    int id = PROCESS_PARENT;

    if (pipe(s.lifeline) == -1)
        die("cannot make a pipe");
    *lifeline = s.lifeline[0];
    for (size_t i = 0; i < n && id == PROCESS_PARENT; i++)
        if (make_child(&s, i))
            id = (int)i;
    if (id == PROCESS_PARENT)
        id = supervise(&s);
    *status = s.signal == 0 ? 1 : s.signal == SIGINT ? 128 + SIGINT : 0;
    return id;
}
