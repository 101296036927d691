/* Preloaded into the program under test: names under flip.example resolve to a public and to an inner address in turn. Connections to
   the public one are refused here; those inwards are counted before they are let through.

   Environment: FLIP_COUNTS names the file that gets "resolutions outwards inwards"; FLIP_PORT is the port that counts. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long resolutions, outwards, inwards;

/* Renamed into place: the file is read while names are resolved. */
static void note(void) {
    const char *path = getenv("FLIP_COUNTS");
    char draft[4096];
    if (!path || snprintf(draft, sizeof draft, "%s.draft", path) >= (int)sizeof draft) return;
    FILE *file = fopen(draft, "w");
    if (!file) return;
    fprintf(file, "%ld %ld %ld\n", resolutions, outwards, inwards);
    fclose(file);
    rename(draft, path);
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real) real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
    const char *end = node ? strstr(node, ".flip.example") : NULL;
    if (!end || end[strlen(".flip.example")] != '\0') return real(node, service, hints, found);
    pthread_mutex_lock(&lock);
    static const char *inner[] = {"127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1"};
    const char *address = resolutions % 2 ? inner[resolutions / 2 % 4] : "8.8.8.8";
    ++resolutions;
    note();
    pthread_mutex_unlock(&lock);
    struct addrinfo numeric = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    return real(address, service, &numeric, found);
}

int connect(int descriptor, const struct sockaddr *address, socklen_t length) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real) real = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        const char *port = getenv("FLIP_PORT");
        if (port && ntohs(v4->sin_port) == atoi(port)) {
            const int outer = v4->sin_addr.s_addr == htonl(0x08080808);
            pthread_mutex_lock(&lock);
            if (outer) ++outwards;
            else ++inwards;
            note();
            pthread_mutex_unlock(&lock);
            if (outer) {
                errno = ECONNREFUSED;
                return -1;
            }
        }
    }
    return real(descriptor, address, length);
}
