"""docs/upgrading.md, "Another PostgreSQL": the data of photogate's own PostgreSQL 15 moved to 17, by the page's commands, on a Debian 13 that
was a Debian 12."""
import os
import pathlib
import re
import shutil

import pytest

from scripts import debian_chroot

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.drills,
              pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="chroots are made by root, with mmdebstrap")]

# What photogate starts and stops (gateway/local/private_postgres.cpp); there is no systemd in a chroot.
SERVICE = r"""
home=/var/lib/photogate/postgres
systemctl() {
    pg=/usr/lib/postgresql/$(cat $home/data/PG_VERSION)/bin
    case $1 in
        start) runuser -u photogate -- $pg/pg_ctl -D $home/data -w -l $home/postgres.log -o "-k $home/socket -c listen_addresses=" start > /dev/null ;;
        stop) runuser -u photogate -- $pg/pg_ctl -D $home/data -w -m fast stop > /dev/null ;;
    esac
}
sql() { runuser -u photogate -- psql -X -q -A -t -v ON_ERROR_STOP=1 -h $home/socket -U photogate "$@" photogate; }
facts() { sql -c "select count(*), md5(string_agg(u::text, ',' order by id)) from uploads u" -c "select count(*) from pg_indexes where schemaname = 'public'"; }
"""
MAKE = SERVICE + r"""
useradd --system --no-create-home photogate
install -d -o photogate -g photogate -m 0711 $home
install -d -o photogate -g photogate -m 0700 $home/socket
runuser -u photogate -- /usr/lib/postgresql/15/bin/initdb -D $home/data -U photogate -A trust -E UTF8 --locale=C.UTF-8 > /dev/null
systemctl start photogate
runuser -u photogate -- createdb -h $home/socket -U photogate photogate
for file in /root/migrations/*.sql; do sql -1 -f - < "$file" > /dev/null; done
sql -c "insert into uploads (id, public_id, app, profile, state, method, region, bucket, key, metadata, client_fields, request_id, created_at, expires_at,
                             updated_at)
        select 'upl_' || n, n::text, 'shop', 'photos', 'created', 'put', 'default', 'incoming', 'u/' || n, '{}', '{}', 'é', now(), now(), now()
        from generate_series(1, 10000) n"
facts > /root/before
"""
LOOK = SERVICE + r"""
cat $home/data/PG_VERSION
sql -c 'show server_version_num'
facts | diff - /root/before
systemctl stop photogate
"""


def commands():
    text = (ROOT / "docs" / "upgrading.md").read_text().split("<!-- move -->")[1].split("<!-- /move -->")[0]
    return re.search(r"```sh\n(.*?)```", text, re.S)[1]


def test_data_are_moved_to_another_postgresql_by_the_commands_of_the_page():
    with debian_chroot.Base("trixie", "postgresql", ["ca-certificates", "postgresql-17"]).copy() as chroot:
        # Its libraries come along, as they stay where a Debian 12 is upgraded.
        sources = "\n".join(debian_chroot.sources("bookworm")) + "\n"
        chroot.run('printf "%s" "$1" > /etc/apt/sources.list.d/former.list; apt-get -q update; apt-get -q -y install postgresql-15', sources)
        folder = chroot.path("/root/migrations")
        folder.mkdir(parents=True, exist_ok=True)
        for path in (ROOT / "storage" / "records" / "migrations").glob("*.sql"):
            shutil.copy(path, folder)
        # One shell: what it starts ends with it.
        said = chroot.run(MAKE + "\n" + commands() + "\n" + LOOK, network=False, seconds=900).stdout
        lines = said.splitlines()
        assert "Upgrade Complete" in said and "17" in lines and any(line.startswith("1700") for line in lines), said
        assert chroot.path("/var/lib/photogate/postgres/data.15/PG_VERSION").read_text() == "15\n"
