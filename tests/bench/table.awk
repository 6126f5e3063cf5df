# table.awk -- the table of bench.sh, from what its passes have printed.
#
#     awk -F '\t' -f table.awk NAME=VALUE... rows results skipped

# number LINE NAME: what NAME=... says; "" if it is not there.
function number(line, name,    text) {
    if (!match(" " line, " " name "=[-0-9.]+")) return ""
    text = substr(" " line, RSTART, RLENGTH)
    sub(/.*=/, "", text)
    return text + 0
}

# The value below which a part q of values[1...n] lies.
function quantile(values, n, q,    i, k, v, at) {
    if (n == 0) return ""
    for (i = 2; i <= n; i++) {
        v = values[i]
        for (k = i - 1; k > 0 && values[k] > v; k--) values[k + 1] = values[k]
        values[k + 1] = v
    }
    at = 1 + (n - 1) * q
    k = int(at)
    return k == n ? values[n] : values[k] + (at - k) * (values[k + 1] - values[k])
}

# Three digits that count, at least.
function short(x) {
    return x == "" ? "-" : sprintf(x >= 99.95 ? "%.0f" : x >= 9.995 ? "%.1f" : "%.2f", x)
}

# efficiency ROW SERVER: the median of its pairs; all are in pair[1...pairs].
function efficiency(row, server,    i, floor, ours) {
    pairs = 0
    for (i = 1; i <= rounds_of[row]; i++) {
        floor = cost[row, kind[row] == "tls" ? "nginx" : "floor", i]
        ours = cost[row, server, i]
        if (floor > 0 && ours > 0)
            pair[++pairs] = kind[row] == "rate" ? ours / floor : floor / ours
    }
    return quantile(pair, pairs, .5)
}

function median_cost(row, server,    i, n, list) {
    for (i = 1; i <= rounds_of[row]; i++)
        if (cost[row, server, i] > 0) list[++n] = cost[row, server, i]
    return quantile(list, n, .5)
}

# Has x reached the goal of its row? It is rounded to as many digits as that has.
function verdict(row, x, more,    digits) {
    if (must[row] == "" || x == "") return ""
    digits = index(must[row], ".") ? length(must[row]) - index(must[row], ".") : 0
    x = sprintf("%." digits "f", x) + 0
    return (more ? x >= must[row] : x <= must[row]) ? "yes" : "NO"
}

# The cells of a row: floor, ours, eff, spread, then a function for the others.
function row_of(row, floor, ours, eff, spread, reached) {
    rows_printed++
    printf "%-3s %-41s %7s %7s %6s %-11s %5s %-3s", row, what[row], floor, ours,
        eff, spread, must[row], reached
}

function timed_row(row,    i, eff) {
    if (!rounds_of[row]) return
    eff = efficiency(row, "ours")
    row_of(row, short(median_cost(row, "floor")), short(median_cost(row, "ours")),
        short(eff), short(quantile(pair, pairs, .25)) "-" \
        short(quantile(pair, pairs, .75)), verdict(row, eff, 1))
    for (i = 1; i <= npeers; i++) printf " %8s", short(efficiency(row, peer[i]))
    print ""
}

# With TLS there is no floor, and nginx's cost is beside ours.
function tls_row(row,    i, eff) {
    if (!rounds_of[row]) return
    eff = efficiency(row, "ours")
    row_of(row, "", short(median_cost(row, "ours")), short(eff),
        pairs ? short(quantile(pair, pairs, .25)) "-" \
        short(quantile(pair, pairs, .75)) : "", verdict(row, eff, 1))
    for (i = 1; i <= npeers; i++) printf " %8s", short(median_cost(row, peer[i]))
    print ""
    tls_rows++
}

function counted_row(row,    i) {
    if (!((row, "ours") in count)) return
    row_of(row, short(count[row, "floor"]), short(count[row, "ours"]), "", "",
        verdict(row, count[row, "ours"], 0))
    for (i = 1; i <= npeers; i++) printf " %8s", short(count[row, peer[i]])
    print ""
}

# Two processes: what they reach of what the CPUs allow, which the client needs
# as well.
function processes_row(row,    i, n, ratio, limit, m) {
    for (i = 1; i <= rounds_of["p1"]; i++)
        if (cost["p1", "ours", i] > 0 && cost["p2", "ours", i] > 0) {
            ratio[++n] = cost["p2", "ours", i] / cost["p1", "ours", i]
            limit[++m] = busy[i] > 0 ? cpus / busy[i] : 2
            if (limit[m] > 2) limit[m] = 2
        }
    if (n == 0) return
    what[row] = sprintf("%s (the CPUs allow %s)", what[row],
        short(quantile(limit, n, .5)))
    row_of(row, "", short(quantile(ratio, n, .5)), "",
        short(quantile(ratio, n, .25)) "-" short(quantile(ratio, n, .75)), "")
    print ""
}

FILENAME ~ /\/rows$/ {
    split($0, field, "|")
    order[++nrows] = field[1]
    kind[field[1]] = field[2]
    what[field[1]] = field[3]
    must[field[1]] = field[4]
    next
}

FILENAME ~ /\/skipped$/ { skipped[++nskipped] = $1 ": " $2; next }

$1 == "value" { if ($4 != "") count[$2, $3] = $4; next }

$1 == "pass" {
    requests = number($5, rusage ? "all" : "requests")
    seconds = number($5, "seconds")
    bad = number($5, "failed") + number($5, "not_200")
    if (bad > 0) wrong[$2 ", " $4] += bad
    if (requests > 0)
        cost[$2, $4, $3] = kind[$2] == "eff" || kind[$2] == "tls" \
            ? number($5, "server") / requests * 1e6 : requests / seconds
    if ($2 == "p1" && number($5, "server") > 0)
        busy[$3] = (number($5, "client") + number($5, "server")) / seconds
    if (number($5, "other") != "") other[++nother] = number($5, "other") / seconds * 100
    if ($3 > rounds_of[$2]) rounds_of[$2] = $3
}

END {
    npeers = split(peers, peer, " ")
    if (files) peer[++npeers] = "sendfile"
    printf "%-3s %-41s %7s %7s %6s %-11s %5s %-3s", "row", "", "floor", "ours",
        "eff", "half within", "must", ""
    for (i = 1; i <= npeers; i++) printf " %8s", peer[i]
    print ""
    for (i = 1; i <= nrows; i++) {
        row = order[i]
        if (kind[row] == "count") counted_row(row)
        else if (kind[row] == "processes") processes_row(row)
        else if (kind[row] == "tls") tls_row(row)
        else timed_row(row)
    }
    if (!rows_printed) print "Nothing could be measured."

    print "\nfloor, ours: microseconds of CPU time for a request (f6: requests a"
    print "second). eff: the floor's divided by ours, the median of " rounds \
        " paired passes of " pass " s,"
    print "and where the middle half of them lies; of the others, eff only. g to j, l,"
    print "m3 and p2 are counts, also of the others. Client and server " \
        (apart ? "each have a CPU." : "share one CPU (but f6, p).")
    print "No server writes an access log."
    if (tls_rows)
        print "m1, m2: eff is nginx's CPU time divided by ours, and nginx's column its time."
    for (w in wrong)
        print "WRONG: row " w ": " wrong[w] " requests without a good answer."
    if (nother)
        printf "Others used %.0f %% of one CPU in the median pass, %.0f %% in the worst.\n",
            quantile(other, nother, .5), other[nother]
    for (i = 1; i <= nskipped; i++) print "Skipped: " skipped[i] "."
    printf "It took %d min %d s.\n", seconds_all / 60, seconds_all % 60
}
