"""The HTTPS door of the emulated device: logging in as the plugin of fortinet.fortios does, and the few requests that are documented."""

from __future__ import annotations

import json
import secrets
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fortios_certificates import BOUND
from https import certificate

CMDB, MONITOR = "/api/v2/cmdb/", "/api/v2/monitor/"
VERSIONS = {"tlsv1-2": ssl.TLSVersion.TLSv1_2, "tlsv1-3": ssl.TLSVersion.TLSv1_3}  # an older one OpenSSL does not do here
INVALID, NOT_FOUND = -651, -3  # "input value is invalid", "entry not found"


class Dropped(Exception):
    """The connection ends here."""


class Door:
    """sessions: key → user."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self.sessions: dict[str, str] = {token: user for user, token in device.facts["tokens"].items()}

    # ------------------------------------------------------------ logging in

    def login(self, user: str, password: str) -> str:
        """A new session, "" without one."""
        if self.device.deaf or self.device.facts["users"].get(user) != password or password == "":
            return ""
        key = secrets.token_hex(16)
        self.sessions[key] = user
        return key

    def user(self, headers: Any) -> str:
        bearer = (headers["Authorization"] or "").removeprefix("Bearer ")
        cookie, token = headers["Cookie"] or "", (headers["x-csrftoken"] or "").strip('"')
        return "" if self.device.deaf else self.sessions.get(bearer) or (self.sessions.get(token, "") if token and token in cookie else "")

    def authenticate(self, method: str, path: str, body: str, headers: Any) -> tuple[int, str, list[str]] | None:
        """None = no request of logging in or out."""
        api = self.device.facts.get("login", "api") == "api"
        if path == "/api/v2/authentication":
            if method == "DELETE":
                self.sessions.pop((headers["Authorization"] or "").removeprefix("Bearer "), None)
                return 200, "{}", []
            said = json.loads(body or "{}") if api else {}
            key = self.login(str(said.get("username")), str(said.get("password")))
            return (200, json.dumps({"status_message": "LOGIN_SUCCESS", "session_key": key}), []) if key else (401, "{}", [])
        if path in ("/logincheck", "/logout"):
            said = {name: values[0] for name, values in parse_qs(body).items()}
            key = self.login(said.get("username", ""), said.get("secretkey", ""))
            cookies = [f'session_key_443="{key}"; path=/; secure', f'ccsrf_token_443="{key}"; path=/; secure']
            return 200, "1document.location='/';" if key else "0", cookies if key else []
        return None

    # ------------------------------------------------------------ requests

    def answer(self, method: str, path: str, query: str, body: str) -> tuple[int, str]:
        device, table = self.device, path.removeprefix(CMDB)
        if path == f"{MONITOR}system/config/backup":
            return (200, device.backup()) if self._backs_up(method, query) else (405, self.told(405, method))
        if (method, path) == ("GET", f"{MONITOR}system/status"):
            return 200, self.told(200, method, {"hostname": "fg1", "model": "FGVM64"})
        if path.startswith((f"{MONITOR}vpn-certificate/", f"{CMDB}vpn.certificate/local/", f"{MONITOR}system/certificate/")):
            return self._certificates(method, path, parse_qs(query), body)
        status, shown = 404, None
        if (method, path) == ("POST", f"{MONITOR}system/config/save"):
            status = 200 if device.save() else 500
        elif method == "GET" and path.startswith(CMDB):
            shown = device.show(table)
            status = 404 if shown is None else 200
        elif method == "PUT" and table.startswith("vpn.ipsec/") and table.count("/") == 2:
            kind, name = (unquote(part) for part in table.split("/")[1:])
            status = 200 if device.change(kind, name, parse_qs(query).get("vdom", ["root"])[0], json.loads(body)) else 500
        elif method == "PUT" and path.startswith(CMDB):
            status = 200 if device.put(table, json.loads(body)) else 500
        return status, self.told(status, method, shown)

    def _certificates(self, method: str, path: str, query: dict[str, list[str]], body: str) -> tuple[int, str]:
        """Of global scope, which is said each time."""
        mine = self.device.certificates
        if method == "GET" and path == f"{MONITOR}system/certificate/download" and query.get("scope") == ["global"]:
            text = mine.download(query.get("mkey", [""])[0], query.get("type", [""])[0])
            return (200, text) if text else (404, self.told(404, method))
        hows = {"csr/generate": mine.generate, "local/import": mine.local, "ca/import": mine.ca}
        how = hows.get(path.removeprefix(f"{MONITOR}vpn-certificate/"))
        error = NOT_FOUND
        if method == "POST" and how:
            error = self.device.certify(how, json.loads(body))
        elif method == "DELETE" and path.startswith(CMDB) and query.get("scope") == ["global"]:
            error = self.device.certify(lambda said: mine.delete(said["name"]), {"name": unquote(path.rpartition("/")[2])})
        status = 404 if error == NOT_FOUND else 500 if error else 200
        kind, dummy, action = path.removeprefix(f"{MONITOR}vpn-certificate/").partition("/")
        said = {"path": "vpn-certificate", "name": kind, "action": action} if how else {}
        return status, json.dumps({**json.loads(self.told(status, method, error=error)), **said})

    def _backs_up(self, method: str, query: str) -> bool:
        """GET up to 6.4, POST from 7.0 on; that 7.6 no longer takes GET was seen, so in between both are taken."""
        release = tuple(int(part) for part in self.device.facts["release"].split("."))
        right = "POST" if release >= (7, 6) else "GET" if release < (7, 0) else method
        return method == right and "scope=global" in query

    def told(self, status: int, method: str, results: object = None, error: int = 0) -> str:
        facts = self.device.facts
        ends = {"status": "success"} if status == 200 else {"status": "error", "error": error or INVALID}
        told = {"http_method": method, "http_status": status, "vdom": "root", "serial": facts["serial"], "version": f"v{facts['release']}", **ends}
        return json.dumps(told if results is None else {**told, "results": results})

    def handle(self, method: str, target: str, body: str, headers: Any) -> tuple[int, str, list[str]]:
        split = urlsplit(target)
        if found := self.authenticate(method, split.path, body, headers):
            return found
        request = f"{method} {split.path}{f'?{split.query}' if 'vdom=' in split.query else ''} {body}"
        time.sleep(self.device.fault("slow") or 0)
        with self.device.lock:
            if not self.user(headers):
                return 401, "{}", []
            self.device.power(request, "before")
            with self.dropping(request):
                if self.device.fault("reject") and method in ("PUT", "POST") and self.device.fault("reject") in request:
                    status, said = 500, self.told(500, method)
                else:
                    status, said = self.answer(method, split.path, split.query, body)
            self.device.power(request, "after")
            if status == 200 and method == "PUT" and f'"{BOUND}"' in body and self.device.facts.get("restarts_https"):
                raise Dropped  # it was seen that a change of the certificate cuts the connection that it came by
            return status, said, []

    @contextmanager
    def dropping(self, request: str) -> Iterator[None]:
        if self.device.strikes("drop_at", request, "before"):
            raise Dropped
        yield
        if self.device.strikes("drop_at", request, "after"):
            raise Dropped


def serving(device: Any, port: int) -> ThreadingHTTPServer:
    door = Door(device)

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            try:
                status, said, cookies = door.handle(self.command, self.path, self._body(), self.headers)
            except Dropped:
                self.close_connection = True
                return
            raw = said.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            for cookie in cookies:
                self.send_header("Set-Cookie", cookie)
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = _do

        def _body(self) -> str:
            """Ansible sends one in chunks, when it sends none."""
            if self.headers["Transfer-Encoding"] != "chunked":
                return self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts).decode()

        def log_message(self, *dummy: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def get_request(self) -> tuple[Any, Any]:
            """Each newcomer finds the versions of the moment."""
            peer, address = super().get_request()
            return context().wrap_socket(peer, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, request: Any, address: Any) -> None:
            """Who cannot speak with it just goes."""

    made = certificate(device, "fg1")

    def context() -> ssl.SSLContext:
        one = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        bound = device.shown()
        if bound:
            with tempfile.NamedTemporaryFile("w", dir=device.folder, suffix=".pem") as kept:
                kept.write(bound)
                kept.flush()
                one.load_cert_chain(kept.name)
        else:
            one.load_cert_chain(made)
        speaks = [VERSIONS[name] for name in device.versions() if name in VERSIONS] or list(VERSIONS.values())
        one.minimum_version, one.maximum_version = min(speaks), max(speaks)
        return one

    return Server(("127.0.0.1", port), Handler)
