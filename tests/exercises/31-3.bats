# Exercise 31-3: a new secret, and cookies of the old one stay valid.

setup()    { load ../helper; TMP=$BATS_TEST_TMPDIR; }
teardown() { stop_server clean; }

# visit: by the browser whose jar is $TMP/jar.
visit() { http -b "$TMP/jar" -c "$TMP/jar" "$URL/visits"; }

@test "a cookie signed with the old secret goes on counting" {
    start_step 31 --secret=first-secret-of-ours
    visit
    stop_server clean
    start_step 31 --secret=second-secret-of-ours --old-secret=first-secret-of-ours
    [ "$(visit)" = "visits: 2" ]
    [ "$(visit)" = "visits: 3" ]
}

@test "what is signed anew is signed with the new secret" {
    start_step 31 --secret=first-secret-of-ours
    visit
    cp "$TMP/jar" "$TMP/old"
    stop_server clean
    start_step 31 --secret=second-secret-of-ours --old-secret=first-secret-of-ours
    visit
    stop_server clean
    # And so the old one can be thrown away, one day.
    start_step 31 --secret=second-secret-of-ours
    [ "$(visit)" = "visits: 3" ]
    [ "$(http -b "$TMP/old" "$URL/visits")" = "visits: 1" ]
}

@test "no other secret opens anything, and none at all neither" {
    start_step 31 --secret=third-secret-of-ours
    visit
    stop_server clean
    start_step 31 --secret=second-secret-of-ours --old-secret=first-secret-of-ours
    [ "$(visit)" = "visits: 1" ]
    [ "$(http -b "visits=393939|$(date +%s)|$(printf %064d 0)" "$URL/visits")" = "visits: 1" ]
    stop_server clean
    start_step 31 --secret=third-secret-of-ours
    [ "$(visit)" = "visits: 1" ]
    [ "$(visit)" = "visits: 2" ]
}
