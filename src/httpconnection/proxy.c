/* [34] proxy.c -- see proxy.h. */
#include "proxy.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* Each proxy appends the address of its own peer to the list, so our proxy has
 * written the last element; the client may have invented all others. NULL if
 * there is no such header. */
static const char *
last_of_list(const struct httprequest *r, const char *name)
{
    for (size_t i = r->headers.n; i-- > 0;) {
        const char *list = r->headers.items[i].value;
        const char *comma = strrchr(list, ',');

        if (strcasecmp(r->headers.items[i].name, name) == 0)
            return comma != NULL ? comma + 1 + strspn(comma + 1, " \t") : list;
    }
    return NULL;
}

/* A valid address fits into remote_ip: it is shorter than PEER_IP_SIZE. */
static void
use_xheaders(struct httprequest *r)
{
    struct in6_addr unused;
    const char *ip = last_of_list(r, "X-Real-Ip");
    const char *scheme = last_of_list(r, "X-Scheme");

    ip = ip != NULL ? ip : last_of_list(r, "X-Forwarded-For");
    if (ip != NULL && (inet_pton(AF_INET, ip, &unused) == 1 ||
                       inet_pton(AF_INET6, ip, &unused) == 1))
        strcpy(r->remote_ip, ip);
    scheme = scheme != NULL ? scheme : last_of_list(r, "X-Forwarded-Proto");
    if (scheme != NULL && httputil_list_has("http,https", scheme))
        r->protocol = strcasecmp(scheme, "http") == 0 ? "http" : "https";
}

void
proxy_call(struct httprequest *r, void *arg)
{
    const struct proxy *proxy = arg;

    /* [37] A proxy may know better how its own client came. */
    if (proxy->tls)
        r->protocol = "https";

    if (proxy->trust)
        use_xheaders(r);
    if (*r->uri != '/' && strncasecmp(r->uri, "https://", 8) == 0 &&
        strcmp(r->protocol, "https") != 0)
        httpconnection_refuse(r->connection,
                              "421 https, but not encrypted");
    else
        proxy->next(r, proxy->next_arg);
}
