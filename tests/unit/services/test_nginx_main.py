"""Which file nginx begins with, and that none of what runs is passed over in silence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Answer, Snapshot, Unparsable
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx import COLLECT, SERVICE
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services.nginx_main import MASTERS

from tests.fixtures.nginx.load import written

PLAIN = "http { server { listen 443 ssl; } }\n"
OTHER = "http { server { listen 8443 ssl; } }\n"
DEBIAN = "/etc/nginx/nginx.conf"


def host(files: dict[str, str], *masters: str, built: str = "", path: str = "/usr/sbin/nginx") -> Snapshot:
    """masters: command lines; built: what `nginx -V` says of the configuration, "" = as Debian's."""
    snapshot = written(files)
    version = snapshot.answers["nginx-V"]
    if built:
        version = replace(version, err=f"nginx version: nginx/1.26.3\nbuilt with OpenSSL 3.5.7\nconfigure arguments: {built}\n")
    lines = [f"path {path}", *(f"master {line.split()[0]}\tnginx: master process {line}" for line in masters)]
    return replace(snapshot, answers={**snapshot.answers, "nginx-V": version, "nginx-masters": Answer(MASTERS, 0, "\n".join(lines))})


def sockets(snapshot: Snapshot) -> list[str]:
    return [endpoint.id for endpoint in SERVICE.read(snapshot)]


@pytest.mark.parametrize(
    ("built", "main"),
    [
        ("--conf-path=/srv/web/nginx.conf", "/srv/web/nginx.conf"),
        ("--prefix=/opt/web", "/opt/web/conf/nginx.conf"),
        ("--with-http_ssl_module", "/usr/local/nginx/conf/nginx.conf"),
    ],
)
def test_a_build_with_another_main_file_is_read_where_it_is(built: str, main: str) -> None:
    snapshot = host({DEBIAN: PLAIN}, built=built)
    assert set(SERVICE.missing(snapshot)) | set(COLLECT.files) >= {main}
    with pytest.raises(Unparsable, match=f"nginx begins with {main}, which was not seen"):
        SERVICE.read(snapshot)
    assert sockets(host({DEBIAN: PLAIN, main: OTHER}, built=built)) == ["nginx *:8443"]


@pytest.mark.parametrize(
    ("line", "main"),
    [
        ("/usr/sbin/nginx -c /srv/web/nginx.conf", "/srv/web/nginx.conf"),
        ("/usr/sbin/nginx -g daemon off; -c/srv/web/nginx.conf", "/srv/web/nginx.conf"),
        ("/usr/sbin/nginx -p /srv -c web/nginx.conf", "/srv/web/nginx.conf"),
        ("/usr/sbin/nginx -c web/nginx.conf", "/usr/share/nginx/web/nginx.conf"),
        ("/usr/sbin/nginx -g daemon on; master_process on;", DEBIAN),
    ],
)
def test_what_the_running_master_was_told_counts(line: str, main: str) -> None:
    snapshot = host({DEBIAN: PLAIN, main: OTHER}, line)
    assert sockets(snapshot) == ["nginx *:8443"]
    check = SERVICE.activation(snapshot, SERVICE.read(snapshot)).check
    assert check == (("nginx", "-t") if main == DEBIAN else ("nginx", "-t", "-c", main))


def test_a_running_master_whose_main_file_is_not_seen_is_named() -> None:
    with pytest.raises(Unparsable, match=r"/srv/web/nginx\.conf"):
        SERVICE.read(host({DEBIAN: PLAIN}, "/usr/sbin/nginx -c /srv/web/nginx.conf"))


@pytest.mark.parametrize(
    ("masters", "path", "said"),
    [
        (("/opt/gitlab/embedded/sbin/nginx -p /var/opt/gitlab/nginx",), "/usr/sbin/nginx", "a master of /opt/gitlab/embedded/sbin/nginx runs"),
        (("/usr/local/nginx/sbin/nginx",), "", "not the nginx on the path (none)"),
        (("/usr/sbin/nginx", "/usr/sbin/nginx -c /etc/nginx/second.conf"), "/usr/sbin/nginx", "several nginx run"),
    ],
)
def test_what_cannot_be_followed_is_named(masters: tuple[str, ...], path: str, said: str) -> None:
    with pytest.raises(Unparsable) as caught:
        SERVICE.read(host({DEBIAN: PLAIN}, *masters, path=path))
    assert said in str(caught.value)


def test_a_binary_off_the_path_is_named_and_a_host_without_nginx_is_not() -> None:
    nothing = written({})
    gone = {**nothing.answers, "nginx-V": Answer((), None, problem="not found")}
    with pytest.raises(Unparsable, match="none is on the path"):
        SERVICE.missing(replace(nothing, answers=gone))
    assert SERVICE.read(replace(nothing, answers={})) == SERVICE.missing(replace(nothing, answers={})) == ()


def test_a_folder_shows_the_main_files_of_other_builds() -> None:
    main = "/usr/local/nginx/conf/nginx.conf"
    assert main in COLLECT.files
    assert sockets(replace(written({main: OTHER}), answers={})) == ["nginx *:8443"]
