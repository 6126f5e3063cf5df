# doctor.sh -- which tools there are, and what the missing ones are for.

tell() {  # tell NAME PURPOSE COMMAND...: the first line of the version
    name=$1 purpose=$2
    shift 2
    if command -v "$1" > /dev/null; then
        printf '%-11s %s\n' "$name" "$("$@" 2>&1 < /dev/null | sed -n 1p)"
    else
        printf '%-11s missing: needed %s\n' "$name" "$purpose"
    fi
}

tell system "" uname -srm
tell cc "for everything: a C11 compiler (gcc or clang)" ${CC:-cc} --version
tell make "for everything: GNU make 3.81 or later" "${MAKE:-make}" --version
tell clang "for a second opinion in make check, and for make fuzz" clang --version
tell curl "for the tests, the chapters and the tour" curl --version
tell bats "for make test (1.5 or later: Debian 12, Ubuntu 24.04)" bats --version
tell patch "for the tests of the exercises' answers" patch --version
tell nm "for one test of the layers (binutils)" nm --version
tell shellcheck "for the scripts in make check" shellcheck --version
tell cppcheck "for a look at src in make check" cppcheck --version
tell gcov "for make coverage (it comes with gcc)" gcov --version
tell musl-gcc "for another C library in make systems (musl-tools)" musl-gcc --version
tell s390x "for the other order of bytes in make systems (gcc-s390x-linux-gnu, qemu-user)" s390x-linux-gnu-gcc --version
tell xmllint "for one test of the diagrams" xmllint --version
tell strace "for the tests that count system calls" strace -V
tell gdb "for make debug-N (lldb will do)" gdb --version
tell valgrind "for the rows of make bench that count instructions, and a session" valgrind --version
tell ps "for the tests of the exercises (procps)" ps --version
tell git "for one test of the files as git gives them out" git --version

# Servers are often where an ordinary shell does not look.
PATH=$PATH:/usr/local/sbin:/usr/sbin
tell nginx "for the tests of the proxy in front" nginx -v
tell haproxy "for the tests of the other proxy in front" haproxy -v
tell openssl "for the certificate of both proxies" openssl version

# No awk agrees with the others how to ask for its version, but any will do.
awk=$(command -v awk)
if [ -z "$awk" ]; then
    echo "awk         missing: needed for everything: any POSIX awk"
elif [ "$(echo 'a[12]' | awk 'match($0, /\[[0-9]+\]/) { print RSTART }')" = 2 ]
then
    printf '%-11s %s\n' awk "$(readlink -f "$awk" 2> /dev/null || echo "$awk")"
else
    echo "awk         $awk does not know regular expressions as POSIX has them"
fi
