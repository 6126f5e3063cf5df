/* [17] process.c -- see process.h.
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
    struct {
        pid_t pid;      /* 0: there is none */
        pid_t retiring; /* the process before, which has been told to end */
        bool replace;   /* SIGHUP has come, a new process is to be forked */
    } children[MAX_PROCESSES];
    int lifeline[2]; /* a pipe; only the parent holds the end to write to */
    unsigned stop_timeout;
    void (*on_child_exit)(size_t id);
    int signal; /* SIGTERM or SIGINT once it has come, before: 0 */
    bool failed; /* a child is missing */
    int64_t restarts[MAX_RESTARTS]; /* the times of the last ones */
    size_t nrestarts;
};

size_t
cpu_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n < MAX_PROCESSES ? (size_t)n : MAX_PROCESSES;
}

/* Some systems drop a signal that is ignored, even while it is blocked. */
static void
do_nothing(int signal_number)
{
    (void)signal_number;
}

/* --- fork ----------------------------------------------------------------- */

/* fork(), and again after a second if it fails: the parent has nothing else to
 * do, and its signals wait. The child closes its copy of the parent's end of
 * the lifeline, or the line would never be closed. */
static pid_t
make_child(struct supervisor *s, size_t id)
{
    pid_t pid = fork();

    for (int i = 0; pid == -1 && i < MAX_FORK_TRIES; i++) {
        log_error("cannot make process %zu: %s", id, strerror(errno));
        sleep(1);
        pid = fork();
    }
    if (pid == 0)
        close(s->lifeline[1]);
    s->children[id].replace = false;
    return pid;
}

/* For an `id` without a process. True in the child. */
static bool
fill_place(struct supervisor *s, size_t id)
{
    pid_t pid = make_child(s, id);

    s->children[id].pid = pid > 0 ? pid : 0;
    if (pid == -1) {
        s->failed = true;
        s->on_child_exit(id);
    }
    return pid == 0;
}

/* The oldest of the last five restarts must be more than a minute ago: children
 * that always die at once must not be forked for ever. */
static bool
may_restart(struct supervisor *s)
{
    int64_t *oldest = &s->restarts[s->nrestarts % MAX_RESTARTS];
    int64_t now = ioloop_time();

    if (s->nrestarts >= MAX_RESTARTS && now - *oldest < RESTART_TIME)
        return false;
    *oldest = now;
    s->nrestarts++;
    return true;
}

/* Replaces the next child that is to be replaced, unless one is retiring: all
 * but one serve at any time. The number of the new child in the child,
 * PROCESS_PARENT in the parent. */
static int
replace_next(struct supervisor *s)
{
    size_t next = s->n;
    pid_t pid;

    for (size_t id = s->n; id-- > 0;) {
        if (s->children[id].retiring != 0)
            return PROCESS_PARENT;
        if (s->children[id].replace)
            next = id;
    }
    if (next == s->n || s->signal != 0)
        return PROCESS_PARENT;
    pid = make_child(s, next);
    if (pid == 0)
        return (int)next;
    if (pid > 0) {
        log_info("process %zu (%ld) is replaced by %ld", next,
                 (long)s->children[next].pid, (long)pid);
        s->children[next].retiring = s->children[next].pid;
        s->children[next].pid = pid;
        kill(s->children[next].retiring, SIGTERM);
        alarm(s->stop_timeout + 1);
    }
    return pid > 0 ? PROCESS_PARENT : replace_next(s);
}

/* --- exit ----------------------------------------------------------------- */

/* `pid` has ended. The number of the child if it is to be forked again; else
 * n. */
static size_t
reap_child(struct supervisor *s, pid_t pid, int status)
{
    size_t id = 0;

    while (id < s->n && s->children[id].pid != pid &&
           s->children[id].retiring != pid)
        id++;
    if (id == s->n)
        return s->n;
    if (s->children[id].retiring == pid) {
        s->children[id].retiring = 0;
        return s->n;
    }
    s->children[id].pid = 0;
    s->children[id].replace = false;
    if (s->signal != 0)
        return s->n;
    log_warning("process %zu (%ld) %s %d", id, (long)pid,
                WIFSIGNALED(status) ? "was killed by signal"
                                    : "ended with status",
                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    if (may_restart(s))
        return id;
    log_error("process %zu died too often, and is not restarted", id);
    s->failed = true;
    s->on_child_exit(id);
    return s->n;
}

/* One SIGCHLD may stand for several exits. Returns as replace_next(). */
static int
reap_children(struct supervisor *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        size_t id = reap_child(s, pid, status);

        if (id < s->n && fill_place(s, id))
            return (int)id;
    }
    return PROCESS_PARENT;
}

static bool
any_child_left(const struct supervisor *s)
{
    for (size_t id = 0; id < s->n; id++)
        if (s->children[id].pid != 0 || s->children[id].retiring != 0)
            return true;
    return false;
}

static void
signal_all(const struct supervisor *s, int signal_number)
{
    for (size_t id = 0; id < s->n; id++) {
        if (s->children[id].pid != 0)
            kill(s->children[id].pid, signal_number);
        if (s->children[id].retiring != 0)
            kill(s->children[id].retiring, signal_number);
    }
}

/* SIGALRM: the children that were told to end have had their time. */
static void
kill_late(const struct supervisor *s)
{
    for (size_t id = 0; id < s->n; id++)
        if (s->children[id].retiring != 0)
            kill(s->children[id].retiring, SIGKILL);
    if (s->signal != 0)
        signal_all(s, SIGKILL);
}

/* --- the parent ----------------------------------------------------------- */

/* SIGTERM or SIGINT. The listeners are closed first, or connections would go on
 * waiting for children that will not accept them. The second signal becomes
 * SIGINT to the children, which ignore a second SIGTERM: a process group gets
 * it from the terminal as well as from here. */
static void
stop_all(struct supervisor *s, int signal_number)
{
    bool first = s->signal == 0;

    for (size_t id = 0; first && id < s->n; id++)
        if (s->children[id].pid != 0)
            s->on_child_exit(id);
    if (s->signal != SIGINT)
        s->signal = signal_number;
    signal_all(s, first ? signal_number : SIGINT);
    if (first)
        alarm(s->stop_timeout + 1);
}

/* As fork_processes(). */
static int
supervise(struct supervisor *s)
{
    sigset_t set;
    int signal_number, id;

    watched_signals(&set);
    while (any_child_left(s)) {
        if (sigwait(&set, &signal_number) != 0)
            continue;
        if (signal_number == SIGTERM || signal_number == SIGINT)
            stop_all(s, signal_number);
        if (signal_number == SIGALRM)
            kill_late(s);
        if (signal_number == SIGHUP && s->signal == 0)
            for (size_t i = 0; i < s->n; i++)
                s->children[i].replace = s->children[i].pid != 0;
        id = signal_number == SIGCHLD ? reap_children(s) : PROCESS_PARENT;
        if (id == PROCESS_PARENT)
            id = replace_next(s);
        if (id != PROCESS_PARENT)
            return id;
    }
    return PROCESS_PARENT;
}

int
fork_processes(size_t n, unsigned stop_timeout,
               void (*on_child_exit)(size_t id), int *lifeline, int *status)
{
    struct supervisor s = {.n = n, .stop_timeout = stop_timeout,
                           .on_child_exit = on_child_exit};
    int id = PROCESS_PARENT;

    if (pipe(s.lifeline) == -1) {
        log_error("pipe: %s", strerror(errno));
        *status = 1;
        return PROCESS_PARENT;
    }
    *lifeline = s.lifeline[0];
    signal(SIGCHLD, do_nothing);
    for (size_t i = 0; i < n && id == PROCESS_PARENT; i++)
        if (fill_place(&s, i))
            id = (int)i;
    if (id == PROCESS_PARENT)
        id = supervise(&s);
    if (id != PROCESS_PARENT)
        return id;
    alarm(0);
    close(s.lifeline[0]);
    close(s.lifeline[1]);
    *status = s.signal == SIGINT ? 128 + SIGINT
              : s.signal == 0    ? s.failed : 0;
    return PROCESS_PARENT;
}
