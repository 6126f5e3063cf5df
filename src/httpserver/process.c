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

#include "log.h"
#include "system.h"

enum { MAX_RESTARTS = 5, RESTART_TIME = 60 * 1000000, MAX_FORK_TRIES = 5 };

struct supervisor {
    size_t n;
    pid_t pids[MAX_PROCESSES + 1]; /* 0: none; pids[n]: see chapter 34 */
    size_t nalive;
    size_t next; /* [34] the next child to replace after SIGHUP; n: none */
    size_t newest; /* the number of the child that was forked last */
    unsigned stop_timeout;
    struct listeners listeners[MAX_PROCESSES]; /* of child i: listeners[i] */
    int signal; /* SIGTERM or SIGINT, after it has come; 0 before */
    int64_t restarts[MAX_RESTARTS]; /* the times of the last ones */
    size_t nrestarts;
};

/* A pipe into which no process writes. Only the parent keeps the write end. */
static int lifeline[2] = {-1, -1};

/* --- fork ----------------------------------------------------------------- */

/* Forks the child with number `id`. True in the new child, which closes its
 * copy of the write end of the lifeline: the read end becomes readable only
 * when every copy is closed.
 * - If fork() fails it is tried again after a second, MAX_FORK_TRIES times in
 *   all: the parent has nothing else to do, and its signals wait. If there is
 *   no child then, its listeners are closed, so that no client waits there. */
static bool
make_child(struct supervisor *s, size_t id)
{
    pid_t pid = -1;

    s->newest = id;
    for (int i = 0; i < MAX_FORK_TRIES && (pid = fork()) == -1; i++) {
        log_error("cannot make process %zu: %s", id, strerror(errno));
        sleep(1);
    }
    if (pid == 0)
        close(lifeline[1]);
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
 * that was replaced last is shutting down: there is never more than one that
 * has been replaced and has not ended. True in a new child. */
static bool
replace_next(struct supervisor *s)
{
    while (s->signal == 0 && s->pids[s->n] == 0 && s->next < s->n) {
        size_t id = s->next++;

        if (s->pids[id] != 0 && make_child(s, id))
            return true;
    }
    return false;
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

/* One SIGCHLD may stand for several exits. True in a new child. */
static bool
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
            return true;
    }
    return false;
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
 * connection waits for a child that will not accept it. When the whole job gets
 * SIGTERM, each child gets another one from the parent: a second SIGTERM must
 * not mean more to a child than the first (chapter 34). So after a second
 * signal the parent sends SIGINT. */
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

/* Returns false when all children have ended, true in a new child. SIGALRM,
 * which alarm() has ordered: the children that were told to end are late. */
static bool
supervise(struct supervisor *s)
{
    sigset_t set;

    watched_signals(&set);
    while (s->nalive > 0) {
        int signal_number = 0;

        sigwait(&set, &signal_number);
        if (signal_number == SIGTERM || signal_number == SIGINT)
            stop_all(s, signal_number);
        if (signal_number == SIGALRM)
            signal_children(s, SIGKILL);
        if (signal_number == SIGCHLD && reap_children(s))
            return true;

        /* [34] SIGHUP: all children, one after the other. */
        if (signal_number == SIGHUP)
            s->next = 0;
        if (replace_next(s))
            return true;
    }
    return false;
}

void
fork_processes(size_t n, unsigned stop_timeout,
               struct listeners *listeners, void (*end)(int status))
{
    struct supervisor s = {
        .n = n, .stop_timeout = stop_timeout,
        .next = n, /* [34] */
    };
    bool child = false;

    s.listeners[0] = *listeners;
    for (size_t i = 1; i < n; i++)
        if (!listeners_bind_shared(&s.listeners[i], listeners))
            die("cannot make the listeners of all processes");
    if (pipe(lifeline) == -1)
        die("cannot make a pipe");
    for (size_t i = 0; i < n && !child; i++)
        child = make_child(&s, i);
    if (!child && !supervise(&s))
        end(s.signal == 0 ? 1 : s.signal == SIGINT ? 128 + SIGINT : 0);

    /* This is a child, the newest one. */
    for (size_t i = 0; i < n; i++)
        if (i != s.newest)
            listeners_close(&s.listeners[i], 0);
    *listeners = s.listeners[s.newest];
}

/* --- the children --------------------------------------------------------- */

static void
on_parent_gone(int fd, uint32_t events, void *loop)
{
    (void)events;
    ioloop_remove_handler(loop, fd);
    raise(SIGTERM);
}

void
process_watch_parent(struct ioloop *loop)
{
    if (lifeline[0] != -1 &&
        ioloop_add_handler(loop, lifeline[0], on_parent_gone, loop,
                           IOLOOP_READ) == -1)
        die("cannot watch the parent");
}
