"""agent/held.sh: what it finds on a host with real files, under every shell, and that of a private key nothing leaves."""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.held import Inventory, Item, Shown
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.certificates.inventory import Uses, inventory
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.model import Problem
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets import held
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.answer import body
from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.targets.data import as_data

from .agent_host import NONCE, Host, sha256


def made(folder: Path, command: str) -> None:
    subprocess.run(["/bin/sh", "-ec", command], cwd=folder, check=True, capture_output=True)


class Site:
    """A host whose certificates lie in etc/tls, and nowhere else; applications in etc/apps, where names count."""

    def __init__(self, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host, self.tls, self.apps, self.said = host, host.etc / "tls", host.etc / "apps", ""
        self.home = host.root / "home"
        for folder in (self.tls, self.apps, self.home / ".ssh"):
            folder.mkdir(parents=True)
        (host.etc / "passwd").write_text(f"mary:x:1000:1000::{self.home}:/bin/sh\n")
        monkeypatch.setattr(held, "WHOLE", (str(self.tls),))
        monkeypatch.setattr(held, "NAMED", (str(self.apps),))
        monkeypatch.setattr(held, "BUNDLES", (str(host.etc / "bundle.pem"),))
        monkeypatch.setattr(held, "THINGS", {"certbot": (f"{host.etc}/renewal/*.conf",)})

    def shown(self, *paths: Path) -> Shown:
        text = str(held.compose_held(tuple(map(str, paths)), (".ssh/authorized_keys",), NONCE))
        text = text.replace("/etc/passwd", str(self.host.etc / "passwd")).replace("find /etc ", f"find {self.host.etc} ")
        output = self.host.send(text)
        self.said = body(output, NONCE)
        return held.parse_held(output, NONCE, "h")

    def look(self, *paths: Path) -> Inventory:
        return inventory(self.shown(*paths), Uses({}, {"trusted_user_ca": tuple(map(str, paths))}))

    def item(self, path: Path) -> Item:
        return next(one for one in self.look().items if one.path == str(path))


@pytest.fixture
def site(host: Host, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(host, monkeypatch)


@pytest.fixture
def every_site(any_host: Host, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(any_host, monkeypatch)


PAIR = (
    "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {0}.key; openssl req -new -key {0}.key -subj /CN={0} |"
    " openssl x509 -req -signkey {0}.key -days 30 -out {0}.crt 2>/dev/null"
)
B64 = r"(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
SECRET_FILES = """
openssl genrsa -out rsa.key 2048 2>/dev/null
openssl rsa -in rsa.key -aes128 -passout pass:pw -out legacy.key -traditional 2>/dev/null || openssl rsa -in rsa.key -aes128 -passout pass:pw -out legacy.key
openssl pkcs8 -topk8 -in rsa.key -passout pass:pw -out locked.key
openssl pkey -in rsa.key -outform DER -out raw.key
openssl pkcs12 -export -inkey pair.key -in pair.crt -passout pass: -out open.p12
openssl pkcs12 -export -inkey pair.key -in pair.crt -passout pass:pw -out shut.p12
ssh-keygen -q -t ed25519 -N '' -C secret-comment -f id_plain
ssh-keygen -q -t ed25519 -N pw -C secret-comment -f id_locked
cat pair.crt pair.key >both.pem
printf '\\376\\355\\376\\355\\000\\000\\000\\002' >store.jks
sed 's/PRIVATE KEY/CERTIFICATE/' rsa.key >disguised.crt
sed 's/ENCRYPTED PRIVATE KEY/CERTIFICATE/' locked.key >disguised-too.crt
head -n 3 pair.key >cut.key
chmod 0644 id_plain
"""


def test_it_says_what_every_file_is_and_no_byte_of_a_private_key_leaves_the_host(every_site: Site) -> None:
    site = every_site
    made(site.tls, PAIR.format("pair") + SECRET_FILES)
    found = {Path(one.path).name: one for one in site.look().items}
    assert found["pair.crt"].certificates[0].key == "ECDSA-P256" and found["pair.crt"].certificates[0].subject == "CN=pair"
    key = found["pair.key"].key
    assert key and (key.kind, key.encrypted, key.form) == ("ECDSA-P256", False, "PEM")
    assert key.public == found["pair.crt"].public, "a certificate and its key know each other"
    for name, form in (("rsa.key", "PEM"), ("raw.key", "DER")):
        assert (one := found[name].key) and (one.kind, one.encrypted, one.form) == ("RSA-2048", False, form), name
    for name in ("legacy.key", "locked.key"):
        assert (one := found[name].key) and one.encrypted and not one.public and "locked" in found[name].roles, name
    assert (one := found["id_plain"].key) and (one.kind, one.form, one.encrypted) == ("ED25519", "OPENSSH", False), "although others may read it"
    assert (one := found["id_locked"].key) and (one.kind, one.encrypted) == ("ED25519", True), "by the public half beside it"
    assert found["shut.p12"].kinds == ("pkcs12",) and "locked" in found["shut.p12"].roles
    assert (one := found["open.p12"].key) and one.public == key.public and found["open.p12"].certificates, "an empty password opens it"
    assert found["both.pem"].kinds == ("certificate", "key") and found["store.jks"].kinds == ("jks",)
    assert found["disguised.crt"].problem == found["disguised-too.crt"].problem == "1 of its certificates cannot be read"
    assert "never end" in found["cut.key"].problem
    assert found["pair.key"].mode == "0600" and found["id_plain"].mode == "0644"
    secret = ("rsa.key", "pair.key", "legacy.key", "locked.key", "id_plain", "id_locked", "cut.key", "disguised-too.crt")
    made(site.tls, "openssl pkey -in pair.key -pubout -outform DER >pair.public")
    public = (site.tls / "pair.public").read_bytes()  # the end of an EC key in PKCS#8 is its public half
    lines = {
        line
        for name in secret
        for line in (site.tls / name).read_text().splitlines()
        if len(line) > 30 and re.fullmatch(B64, line) and b64decode(line) not in public
    }
    assert len(lines) > 60
    assert not [line for line in lines if line in site.said], "not one line"
    joined = {"".join(line for line in (site.tls / name).read_text().splitlines() if "-----" not in line)[8:60] for name in secret}
    assert not [part for part in joined if part in site.said], "nor a part of it that was joined"
    assert "secret-comment" not in site.said


def test_lists_of_ssh_keys_are_counted_and_their_comments_and_options_stay(every_site: Site) -> None:
    site = every_site
    made(site.home / ".ssh", "ssh-keygen -q -t ed25519 -N '' -f a; ssh-keygen -q -t rsa -b 1024 -N '' -f b; ssh-keygen -q -t ecdsa -N '' -f ca")
    blobs = {name: (site.home / f".ssh/{name}.pub").read_text().split()[:2] for name in ("a", "b", "ca")}
    (site.home / ".ssh/authorized_keys").write_text(
        "# all of them\n"
        f'command="deploy --token s3cret, ssh-rsa AAAA",no-pty {" ".join(blobs["a"])} mary@secret.example\n'
        f"{' '.join(blobs['b'])}\n"
        f'cert-authority,principals="root" {" ".join(blobs["ca"])} the authority\nrubbish\n'
    )
    hashed = f"|1|c2FsdA==|aGFzaA== {' '.join(blobs['a'])}\n"
    (site.home / ".ssh/known_hosts").write_text(
        f"{hashed}secret.example,10.0.0.1 {' '.join(blobs['b'])}\n@cert-authority *.x {' '.join(blobs['ca'])}\n"
    )
    found = {Path(one.path).name: one for one in site.look().ssh}
    mine = found["authorized_keys"]
    assert (mine.role, mine.kinds) == ("authorized_keys", {"ssh-ed25519": 1, "ssh-rsa": 1, "ecdsa-sha2-nistp256": 1})
    assert len(mine.weak) == 1 and "(1024 bits)" in mine.weak[0]
    listed = subprocess.run(["ssh-keygen", "-l", "-f", site.home / ".ssh/ca.pub"], capture_output=True, text=True, check=True).stdout
    assert mine.authorities == (listed.split()[1],)
    known = found["known_hosts"]
    assert known.hashed == 1 and known.kinds == {"ssh-ed25519": 1, "ssh-rsa": 1, "@cert-authority ecdsa-sha2-nistp256": 1}
    assert not [word for word in ("s3cret", "secret.example", "10.0.0.1", "mary@", "deploy") if word in site.said]


def test_what_names_a_file_uses_it_and_what_nothing_names_is_an_orphan(every_site: Site) -> None:
    site = every_site
    made(
        site.tls, PAIR.format("used") + "\n" + PAIR.format("lost") + "\n rm lost.key; openssl ecparam -genkey -name prime256v1 -noout -out alone.key"
    )
    (site.host.etc / "mail.conf").write_text(f"# {site.tls}/lost.crt\ncert = <{site.tls}/used.crt;\nkey = '{site.tls}/used.key'\n")
    (site.host.etc / "hsm.conf").write_text("key = pkcs11:token=edge;object=www;pin-value=pin-one?pin-value=pin-two&module-name=x\n")
    seen = site.look()
    found = {Path(one.path).name: one for one in seen.items}
    assert found["used.crt"].users == (f"{site.host.etc}/mail.conf:2",) and found["used.key"].users == (f"{site.host.etc}/mail.conf:3",)
    assert found["used.crt"].roles == () and found["used.key"].roles == ()
    assert set(found["lost.crt"].roles) == {"orphan-certificate", "no-key"}
    assert found["alone.key"].roles == ("orphan-key",)
    assert seen.tokens == ((f"{site.host.etc}/hsm.conf:1", "pkcs11:token=edge;object=www"),)
    assert "pin-one" not in site.said and "pin-two" not in site.said
    (key,) = [one for one in seen.items if one.path == "pkcs11:token=edge;object=www"]
    assert (key.key and key.key.form, key.problem) == ("PKCS#11", f"its PIN stands in {site.host.etc}/hsm.conf:1")


def test_who_can_use_a_key_in_a_token_is_who_can_read_its_pin(every_site: Site) -> None:
    site = every_site
    pin = site.host.write("pin", "pin-one")
    pin.chmod(0o644)
    made(site.tls, PAIR.format("www"))
    reference = f"store:pkcs11:token=edge;object=www?pin-source=file:{pin}"
    (site.host.etc / "web.conf").write_text(f'ssl_certificate_key "{reference}";\n')
    (site.host.etc / "gone.conf").write_text("key = pkcs11:object=gone;pin-source=/nowhere/pin\n")
    uses = Uses({reference: ("nginx *:443",)}, {}, {reference: f"{site.tls}/www.crt"})
    found = {one.path: one for one in inventory(site.shown(), uses).items}
    key = found["pkcs11:token=edge;object=www"]
    assert (key.mode, key.users) == ("0644", ("nginx *:443", f"{site.host.etc}/web.conf:1"))
    assert key.key and (key.key.kind, key.key.public, key.key.encrypted) == ("ECDSA-P256", found[f"{site.tls}/www.crt"].public, True)
    assert found["pkcs11:object=gone"].problem == "its PIN is to be in /nowhere/pin, which is not there"
    assert "pin-one" not in site.said and sha256(pin) not in site.said


def test_a_chain_that_ends_in_the_bundle_is_public_and_its_authority_with_a_key_is_ours(every_site: Site) -> None:
    site = every_site
    issue = """
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}ca.key -out {0}ca.crt -days 3000 -subj /CN={0} 2>/dev/null
      openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}.key -out {0}.csr -subj /CN=leaf-{0} 2>/dev/null
      printf 'subjectAltName=DNS:x\\nextendedKeyUsage=serverAuth\\n' >ext
      openssl x509 -req -in {0}.csr -CA {0}ca.crt -CAkey {0}ca.key -CAcreateserial -days 90 -extfile ext -out {0}.crt 2>/dev/null
    """
    made(site.tls, issue.format("world") + issue.format("house") + "\nmv worldca.crt ../bundle.pem; rm worldca.key")
    seen = site.look()
    found = {Path(one.path).name: one for one in seen.items}
    assert {"pki=public", "chain=complete"} <= set(found["world.crt"].certificates[0].more)
    assert {"pki=private", "chain=complete"} <= set(found["house.crt"].certificates[0].more)
    assert "authority" in found["houseca.crt"].roles
    assert seen.bundle["certificates"] == "1" and len(seen.bundle["sha256"]) in (0, 64)


def test_ten_thousand_certificates_in_a_file_are_counted(site: Site) -> None:
    made(site.tls, PAIR.format("one"))
    (site.tls / "many.pem").write_text((site.tls / "one.crt").read_text() * 10_000)
    many = site.item(site.tls / "many.pem")
    assert (many.kinds, many.count, many.certificates) == (("bundle",), 10_000, ())
    assert len(site.said) < 100_000


def test_names_that_a_line_cannot_carry_are_told_and_others_of_any_bytes_are_read(every_site: Site) -> None:
    site = every_site
    made(site.tls, PAIR.format("plain") + "\ncp plain.crt \"$(printf 'two\\nlines.crt')\"; cp plain.crt \"$(printf 'latin-\\344 \\047$(x).crt')\"")
    seen = site.look()
    assert any("latin-" in one.path and one.certificates for one in seen.items)
    assert len(seen.notes) == 1 and "control character" in seen.notes[0] and "two\\nlines.crt" in seen.notes[0]


def test_a_file_of_no_text_or_half_a_certificate_is_a_problem_of_that_file_only(every_site: Site) -> None:
    site = every_site
    made(site.tls, PAIR.format("good") + "\nhead -n 4 good.crt >half.crt; head -c 3000 /dev/urandom >noise.crt; : >empty.crt")
    made(site.tls, "{ cat good.crt; printf -- '-----BEGIN CERTIFICATE-----\\nTUlJ\\377\\n-----END CERTIFICATE-----\\n'; } >mixed.crt")
    found = {Path(one.path).name: one for one in site.look().items}
    assert set(found) == {"good.crt", "good.key", "half.crt", "mixed.crt"}
    assert found["half.crt"].problem == "1 of its blocks never end" and found["half.crt"].kinds == ("certificate",)
    assert found["mixed.crt"].problem == "1 of its certificates cannot be read" and len(found["mixed.crt"].certificates) == 1


def test_only_files_that_are_named_like_one_count_among_those_of_an_application(every_site: Site) -> None:
    site = every_site
    made(site.apps, PAIR.format("app") + "\ncp app.crt readme.txt")
    assert sorted(Path(one.path).name for one in site.look().items) == ["app.crt", "app.key"]


def test_an_installed_agent_is_told_apart_before_anything_is_sent() -> None:
    with pytest.raises(Problem, match="the installed agent does not search for keys"):
        as_data(held.compose_held((), (), NONCE))


def test_the_list_of_a_role_is_read_once_wherever_it_lies(site: Site) -> None:
    made(site.tls, "ssh-keygen -q -t ed25519 -N '' -f ca; mv ca.pub trusted; cp trusted ../elsewhere")
    seen = site.look(site.tls / "trusted", site.host.etc / "elsewhere", site.host.etc / "gone")
    found = {Path(one.path).name: one for one in seen.ssh}
    assert {name: (one.role, len(one.authorities)) for name, one in found.items() if name != "gone"} == {
        "trusted": ("trusted_user_ca", 1),
        "elsewhere": ("trusted_user_ca", 1),
    }
    assert found["gone"].problem == "it is named and is not there"
