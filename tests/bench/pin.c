/* pin.c -- run a program on one CPU, or end one for sure.
 *
 *     pin CPU PROGRAM ARGUMENT...
 *     pin -r FILE CPU PROGRAM ARGUMENT...
 *     pin -k PID
 *
 * CPU is a number, or "-": any. It is ignored where the system cannot do it.
 * With -r the program runs as a child, and when it has ended the seconds of CPU
 * time that it used are written to FILE: for systems that do not tell how much
 * a process uses while it runs. -k sends SIGTERM once a second, because a
 * signal can come just before a wait that it should have ended, and at last
 * SIGKILL. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

static pid_t child;

static void
pass_on(int signal)
{
    kill(child, signal);
}

static int
run_and_report(char **argv, const char *path)
{
    struct rusage u;
    int status;
    FILE *f;

    child = fork();
    if (child == 0) {
        execvp(argv[0], argv);
        _exit(127);
    }
    signal(SIGTERM, pass_on);
    signal(SIGINT, pass_on);
    while (waitpid(child, &status, 0) == -1 && errno == EINTR)
        ;
    getrusage(RUSAGE_CHILDREN, &u);
    f = fopen(path, "w");
    if (f == NULL)
        return 1;
    fprintf(f, "%.6f\n",
            (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    return fclose(f) != 0;
}

/* Until the parent of that process has waited for it. */
static int
end_process(pid_t pid)
{
    struct timespec tick = {0, 20000000};

    for (int i = 0; i < 500 && kill(pid, 0) == 0; i++) {
        if (i % 50 == 0)
            kill(pid, i < 400 ? SIGTERM : SIGKILL);
        nanosleep(&tick, NULL);
    }
    return 0;
}

int
main(int argc, char **argv)
{
    const char *report = NULL;

    if (argc > 3 && strcmp(argv[1], "-r") == 0) {
        report = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "-k") == 0)
        return end_process((pid_t)atol(argv[2]));
#ifdef __linux__
    cpu_set_t set;

    CPU_ZERO(&set);
    if (*argv[1] != '-') {
        CPU_SET((size_t)atoi(argv[1]), &set);
        sched_setaffinity(0, sizeof set, &set);
    }
#endif
    if (report != NULL)
        return run_and_report(argv + 2, report);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return 127;
}
