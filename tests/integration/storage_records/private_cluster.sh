#!/bin/sh
# A cluster that a test may shoot: private_cluster.sh start|restart|stop FOLDER. Unix socket in FOLDER, no TCP, never as root.
set -eu
verb=$1 folder=$2
bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as_postgres() {
    if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi
}
control() {
    as_postgres "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 30 "$@" >/dev/null
}
cd /
case $verb in
    start)
        [ "$(id -u)" != 0 ] || chown postgres "$folder"
        as_postgres "$bin/initdb" -D "$folder/data" -U photogate -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
        control -o "-c listen_addresses= -k $folder -c unix_socket_permissions=0777 -c max_connections=60" start ;;
    restart) control -m immediate restart ;;
    stop) control -m immediate stop ;;
    *) exit 2 ;;
esac
