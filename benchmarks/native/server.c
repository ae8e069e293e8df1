/* A chat service that costs next to nothing: one thread, epoll, keep-alive, HTTP/1.1, answers ready before they are asked.
 *
 *   cc -O2 -o server server.c && ./server         prints its port, listens on 127.0.0.1, .2 and .3, dies with its parent
 *
 * What a POST is answered with stands in its deployment's name, which every client can vary:
 *   /openai/deployments/b1000-d20-east/chat/completions      a reply of 1,000 bytes, 20 ms later
 *   /openai/deployments/n100-i2000-east/chat/completions     100 pieces of text, 2,000 us apart, if the body asks for a stream
 *
 * After each thing it does, it looks for the next without sleeping, for AWAKE_S.  On the loopback whoever writes to a sleeping
 * server pays for waking it, the more the longer its pauses are; no service across a network charges that.
 *
 * GET /stats tells the calls answered and the connections accepted so far.  Anything else is refused and closed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include "texts.h"

enum { HOSTS = 3, EVENTS = 256, MAX_REQUEST = 1 << 22, MAX_REPLY = 1 << 22, MAX_PIECES = 100000, READ = 1 << 16 };
static const double AWAKE_S = 5e-3;
static double awake_until;

typedef struct { char *at; size_t used, room; } Buffer;

typedef struct Connection {
    int fd, writable_wanted, closing, pieces, pieces_left, waits;
    long interval_us;
    double due;                        /* when the next thing is to be written, if `waits` */
    size_t answer_bytes, sent;         /* of `out`, what is written already */
    Buffer in, out;
    struct Connection *before, *after; /* among those that wait */
} Connection;

static int poll_fd;
static unsigned long calls, connections;
static Connection waiting = {.before = &waiting, .after = &waiting};
static Buffer ready;
static size_t ready_bytes;

static void fail(const char *what) { perror(what); exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void watch(int operation, int fd, int events, void *whose) {
    struct epoll_event event = {.events = events, .data.ptr = whose};
    if (epoll_ctl(poll_fd, operation, fd, &event)) fail("epoll_ctl");
}

static void reserve(Buffer *b, size_t more) {
    if (b->used + more < b->room) return;
    b->room = 2 * (b->used + more) + 1;
    if (!(b->at = realloc(b->at, b->room))) fail("realloc");
}

static void add(Buffer *b, const char *text, size_t bytes) {
    reserve(b, bytes);
    memcpy(b->at + b->used, text, bytes);
    b->used += bytes;
}

__attribute__((format(printf, 2, 3))) static void print(Buffer *b, const char *format, ...) {
    va_list list;
    reserve(b, 4096);
    va_start(list, format);
    b->used += vsnprintf(b->at + b->used, 4096, format, list);
    va_end(list);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static const Buffer *reply_of(size_t bytes) {
    if (ready_bytes == bytes) return &ready; /* a measurement asks for one size */
    Buffer body = {0}, tail = {0};
    ready_bytes = bytes;
    ready.used = 0;
    add(&body, BEGINNING, sizeof BEGINNING - 1);
    print(&tail, "\",\"refusal\":null,\"role\":\"assistant\"}}],\"created\":1764072000,\"id\":\"chatcmpl-bench\",\"model\":"
                 "\"gpt-4o-2024-11-20\",\"object\":\"chat.completion\",\"system_fingerprint\":\"fp_b705f0c291\",\"usage\":"
                 "{\"completion_tokens\":%zu,\"prompt_tokens\":20,\"total_tokens\":%zu}}", bytes / 4, bytes / 4 + 20);
    for (size_t i = 0; body.used + tail.used < bytes; i++) add(&body, "lorem ipsum " + i % 12, 1);
    add(&body, tail.at, tail.used);
    print(&ready, "%sContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", HEAD, body.used);
    add(&ready, body.at, body.used);
    free(body.at);
    free(tail.at);
    return &ready;
}

static void add_piece(Buffer *out, const char *delta, const char *finish) {
    char event[sizeof PIECE + 100];
    print(out, "%x\r\n", snprintf(event, sizeof event, PIECE, delta, finish));
    print(out, "%s\r\n", event);
}

static void wait_until(Connection *c, double due) {
    c->due = due;
    c->waits = 1;
    c->after = waiting.after;
    c->before = &waiting;
    c->before->after = c->after->before = c;
}

static void wait_no_more(Connection *c) {
    if (!c->waits) return;
    c->waits = 0;
    c->before->after = c->after;
    c->after->before = c->before;
}

/* Put what is due now into `out`. */
static void produce(Connection *c) {
    if (!c->pieces) {
        const Buffer *reply = reply_of(c->answer_bytes);
        add(&c->out, reply->at, reply->used);
        calls++;
        return;
    }
    if (c->pieces_left == c->pieces) {
        print(&c->out, "%sContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n", HEAD);
        add_piece(&c->out, "\"content\":\"\",\"role\":\"assistant\"", "null");
    }
    do { /* no two alike: a client may take a model that repeats itself for one that is stuck */
        char delta[40];
        snprintf(delta, sizeof delta, "\"content\":\" lorem%d\"", c->pieces_left--);
        add_piece(&c->out, delta, "null");
    } while (c->pieces_left && !c->interval_us);
    if (c->pieces_left) {
        wait_until(c, (c->due > 0 ? c->due : now()) + c->interval_us / 1e6);
        return;
    }
    add_piece(&c->out, "", "\"stop\"");
    print(&c->out, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
    c->pieces = 0;
    calls++;
}

/* ---- connections ------------------------------------------------------------------------------------------------ */

static void drop(Connection *c) {
    wait_no_more(c);
    close(c->fd);
    free(c->in.at);
    free(c->out.at);
    free(c);
}

/* Write what can be written.  0: the connection is gone. */
static int flush(Connection *c) {
    while (c->sent < c->out.used) {
        ssize_t n = send(c->fd, c->out.at + c->sent, c->out.used - c->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno != EAGAIN) return drop(c), 0;
        if (n < 0) break;
        c->sent += n;
    }
    int wanted = c->sent < c->out.used;
    if (!wanted) c->sent = c->out.used = 0;
    if (!wanted && c->closing) return drop(c), 0;
    if (wanted != c->writable_wanted) {
        watch(EPOLL_CTL_MOD, c->fd, EPOLLIN | (wanted ? EPOLLOUT : 0), c);
        c->writable_wanted = wanted;
    }
    return 1;
}

static void refuse(Connection *c, const char *status) {
    print(&c->out, "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    c->closing = 1;
    c->in.used = 0;
}

/* Read the numbers of `b1000-n100-i2000-d20-east` and begin the answer. */
static void answer(Connection *c, const char *path, const char *body) {
    const char *name = strstr(path, "/deployments/");
    long pieces = 10, delay_ms = 0;
    c->answer_bytes = 1000;
    c->interval_us = 0;
    for (const char *p = name ? name + 13 : ""; strchr("bnid", *p) && *p; p += strspn(p, "-")) {
        char what = *p++, *end;
        long number = strtol(p, &end, 10);
        if (end == p || number < 0) break;
        p = end;
        if (what == 'b') c->answer_bytes = number < MAX_REPLY ? number : MAX_REPLY;
        if (what == 'n') pieces = number < 1 ? 1 : number < MAX_PIECES ? number : MAX_PIECES;
        if (what == 'i') c->interval_us = number;
        if (what == 'd') delay_ms = number;
    }
    c->pieces = c->pieces_left = strstr(body, "\"stream\":true") || strstr(body, "\"stream\": true") ? pieces : 0;
    c->due = 0;
    if (delay_ms) wait_until(c, now() + delay_ms / 1e3);
    else produce(c);
}

/* Take one whole request off `in`.  0: there is none yet. */
static int take_request(Connection *c) {
    if (c->waits || c->closing || !c->in.used) return 0;
    c->in.at[c->in.used] = 0;
    char *blank = strstr(c->in.at, "\r\n\r\n"), *line, *length = NULL;
    if (!blank) return c->in.used > READ ? refuse(c, "431 Request Header Fields Too Large"), 0 : 0;
    for (line = strstr(c->in.at, "\r\n"); line && line < blank; line = strstr(line + 2, "\r\n")) {
        if (!strncasecmp(line + 2, "content-length:", 15)) length = line + 17;
        if (!strncasecmp(line + 2, "transfer-encoding:", 18)) return refuse(c, "411 Length Required"), 0;
    }
    long expected = length ? atol(length) : 0;
    if (expected < 0 || expected > MAX_REQUEST) return refuse(c, "413 Content Too Large"), 0;
    char *body = blank + 4;
    size_t whole = body - c->in.at + expected;
    if (c->in.used < whole) return 0;
    char next = c->in.at[whole];
    c->in.at[whole] = blank[0] = 0;
    if (!strncmp(c->in.at, "POST ", 5)) answer(c, c->in.at, body);
    else if (!strncmp(c->in.at, "GET /stats ", 11)) {
        print(&c->out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                       "{\"calls\":%lu,\"connections\":%lu}", calls, connections);
        c->closing = 1;
    } else return refuse(c, "404 Not Found"), 0;
    c->in.at[whole] = next;
    memmove(c->in.at, c->in.at + whole, c->in.used -= whole);
    return 1;
}

static void receive(Connection *c) {
    for (;;) {
        reserve(&c->in, READ + 1);
        ssize_t n = recv(c->fd, c->in.at + c->in.used, READ, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(c);
        if (n > 0) c->in.used += n;
        if (n < READ) break;
    }
    while (take_request(c)) {}
    flush(c);
}

static void accept_all(int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        Connection *c = calloc(1, sizeof *c);
        if (!c) fail("calloc");
        c->fd = fd;
        connections++;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        watch(EPOLL_CTL_ADD, fd, EPOLLIN, c);
    }
}

/* Write what has become due, and tell how long the rest may wait, in ms; -1 for ever. */
static int serve_waiting(void) {
    double moment = now(), next = -1;
    for (Connection *c = waiting.after, *after; c != &waiting; c = after) {
        after = c->after;
        if (c->due <= moment) {
            wait_no_more(c);
            awake_until = moment + AWAKE_S;
            produce(c);
            while (take_request(c)) {}
            if (!flush(c)) continue;
        }
        if (c->waits && (next < 0 || c->due < next)) next = c->due;
    }
    return next < 0 ? -1 : next <= moment ? 0 : (int)((next - moment) * 1e3 + 0.5);
}

int main(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int listeners[HOSTS], yes = 1, has_own_core = sysconf(_SC_NPROCESSORS_ONLN) > 1;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM)) fail("prctl");
    if ((poll_fd = epoll_create1(0)) < 0) fail("epoll_create1");
    for (int i = 0; i < HOSTS; i++) {
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + i);
        if ((listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)) < 0) fail("socket");
        setsockopt(listeners[i], SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(listeners[i], (struct sockaddr *)&address, size) || listen(listeners[i], 4096)) fail("bind");
        if (getsockname(listeners[i], (struct sockaddr *)&address, &size)) fail("getsockname");
        watch(EPOLL_CTL_ADD, listeners[i], EPOLLIN, &listeners[i]);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        struct epoll_event events[EVENTS];
        int wait = serve_waiting();
        if (wait && has_own_core && now() < awake_until) {
            wait = 0;
            sched_yield();
        }
        int count = epoll_wait(poll_fd, events, EVENTS, wait);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        if (count > 0) awake_until = now() + AWAKE_S;
        for (int i = 0; i < count; i++) {
            int *listener = events[i].data.ptr;
            if (listener >= listeners && listener < listeners + HOSTS) accept_all(*listener);
            else if (events[i].events & ~EPOLLOUT) receive(events[i].data.ptr);
            else flush(events[i].data.ptr);
        }
    }
}
