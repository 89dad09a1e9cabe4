"""What binaries of a release say, for audits of folders: python tests/tools/recorded.py ROOT... (unpacked images; as root, in the top folder).

Asks each image's own OpenSSH and OpenSSL in a chroot, and writes _core/services/data/<product>-<release>.json.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from ansible_collections.quantumsafe.agility.plugins.plugin_utils._core.services import openssh, openssl, recorded

LIBRARIES = ["libssl3t64", "libssl3", "libssl1.1"]


def ask(root: Path, argv: tuple[str, ...]) -> dict[str, object]:
    done = subprocess.run(["chroot", root, *argv], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return {"argv": argv, "rc": done.returncode, "out": done.stdout, "err": done.stderr}


def openssh_of(root: Path) -> dict[str, dict[str, object]]:
    (root / "run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
    ask(root, ("sh", "-c", "[ -f /tmp/recorded ] || ssh-keygen -q -t ed25519 -N '' -f /tmp/recorded"))
    named = {id_: argv for id_, argv in openssh.COLLECT.commands.items() if id_.startswith("ssh-Q-") or id_ == "sshd-V"}
    lists = ask(root, ("sshd", "-T", "-f", "/dev/null", "-h", "/tmp/recorded"))
    keywords = {name for names in openssh.KEYWORDS.values() for name in names}
    kept = [line for line in str(lists["out"]).splitlines() if line.split()[0].lower() in keywords]
    return {recorded.SSHD_DEFAULTS: {**lists, "out": "\n".join(kept) + "\n"}, **{id_: ask(root, argv) for id_, argv in named.items()}}


def openssl_of(root: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for id_, argv in openssl.COMMANDS.items():
        before = found.get(openssl.SECOND_TRIES.get(id_, ""))
        if before is None or before["rc"] != 0:
            found[id_] = ask(root, argv)
    # Patches of a release change its number and not what it can: the package that is there says which one it is.
    return {**found, "openssl": {"argv": openssl.COMMANDS["openssl"], "rc": 0, "out": "OpenSSL {openssl}\n", "err": ""}}


def main() -> None:
    data = Path(recorded.DATA)
    for root in (Path(name) for name in sys.argv[1:]):
        packages = recorded.packages((root / "var/lib/dpkg/status").read_text(encoding="utf-8"))
        system = re.search(r'PRETTY_NAME="(.*)"', (root / "etc/os-release").read_text(encoding="utf-8"))
        library = next(packages[name] for name in LIBRARIES if name in packages)
        for product, names, release, answers in (
            ("OpenSSH", ["openssh-server"], re.split("p", packages["openssh-server"])[0], openssh_of(root)),
            ("OpenSSL", LIBRARIES, ".".join(re.findall(r"\d+", library)[: 3 if library < "3" else 2]), openssl_of(root)),
        ):
            row = {"of": f"{product} {release} of {system[1] if system else root}", "packages": names, "release": release, "answers": answers}
            (data / f"{product.lower()}-{release}.json").write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
