# Chapter 10, The request line: method, target and version.

setup()    { load helper; load requests; start_step 10; }
teardown() { stop_server clean; }

end='\r\nHost: x\r\n\r\n'

@test "a request line becomes a method, a path, a query and a version" {
    ask "GET /a%20b?c=d HTTP/1.1$end" | body_of > "$BATS_TEST_TMPDIR/answer"
    printf '%s\n' 'The method is GET.' 'The path is /a%20b.' 'The query is c=d.' |
        diff - "$BATS_TEST_TMPDIR/answer"
    ask "BREW /pot HTTP/1.0$end" | grep -qx 'The method is BREW.'
    ask "GET /a?b?c HTTP/1.1$end" | grep -qx 'The query is b?c.'
    ask "GET /a? HTTP/1.1$end" | grep -qx 'The query is .'
    ask "GET /a HTTP/1.1$end" | grep -qx 'The query is .'
}

@test "a request line is a method, a target and a version, or gets an answer" {
    wants 400 'GET\r\n\r\n' "GET /$end" "GET / HTTP/1.1 $end" \
        " GET / HTTP/1.1$end" "GET  / HTTP/1.1$end" "GET\\t/ HTTP/1.1$end" \
        "G(T / HTTP/1.1$end" "GET / http/1.1$end" "GET / HTTP/1.10$end" \
        "GET / HTTP/1,1$end" "GET / HTTP/1$end" "GET / HTTP/+1.1$end" \
        "GET /a b HTTP/1.1$end" "GET /\\x7f HTTP/1.1$end" \
        "GET /\\0 HTTP/1.1$end" 'GET / HTTP/1.1\n\n' '\n\n'
    wants 505 "GET / HTTP/0.9$end" "GET / HTTP/2.0$end" 'PRI * HTTP/2.0\r\n\r\n'
    wants 200 "BREW / HTTP/1.1$end" 'GET / HTTP/1.0\r\n\r\n'
}

@test "in how many pieces a request line comes does not matter" {
    client bytewise "GET /slow?ly HTTP/1.1$end" read > "$BATS_TEST_TMPDIR/pieces"
    ask "GET /slow?ly HTTP/1.1$end" | cmp - "$BATS_TEST_TMPDIR/pieces"
}

@test "a head may have 32768 bytes" {
    # The line has 14 bytes beside the letters, and there are 4 line ends.
    local n want status
    for n in 32767 32768 32769; do
        [ "$n" -le 32768 ] && want=200 || want=431
        wants "$want" "GET /$(many $((n - 18))) HTTP/1.1\\r\\n\\r\\n"
    done
    status=0
    client send "$(many 33000)" read > "$BATS_TEST_TMPDIR/long" || status=$?
    [ "$status" = 0 ] || [ "$status" = 4 ]
    head -n 1 "$BATS_TEST_TMPDIR/long" | grep -q '^HTTP/1.0 414 '
}

# An arena is filled with pieces of all sizes; they must be aligned, hold what was
# written to them, and be freed together (valgrind and the sanitizers look).
@test "the pieces of an arena do not touch each other" {
    build_driver 10 <<- 'END'
		#include "memory.h"
		#include <stdint.h>
		#include <stdio.h>
		#include <string.h>

		int main(void)
		{
		    struct arena *arena = NULL;
		    unsigned char *pieces[300];
		    int wrong = 0;

		    for (size_t i = 0; i < 300; i++) {
		        size_t size = i % 7 == 0 ? i * 40 : i;

		        pieces[i] = arena_alloc(&arena, size);
		        if (pieces[i] == NULL)
		            return 1;
		        wrong += (uintptr_t)pieces[i] % _Alignof(max_align_t) != 0;
		        memset(pieces[i], (int)i, size);
		    }
		    for (size_t i = 0; i < 300; i++)
		        for (size_t k = 0; k < (i % 7 == 0 ? i * 40 : i); k++)
		            wrong += pieces[i][k] != (unsigned char)i;
		    wrong += strcmp(arena_copy(&arena, "one\0two", 3), "one") != 0;
		    wrong += *arena_copy(&arena, NULL, 0) != '\0';
		    arena_release(&arena);
		    printf("%d wrong, arena is %s\n", wrong, arena == NULL ? "empty" : "not");
		    return 0;
		}
	END
    [ "$("$BATS_FILE_TMPDIR/driver")" = "0 wrong, arena is empty" ]
}
