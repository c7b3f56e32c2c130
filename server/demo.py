"""`ehc demo`: the whole product on one machine, with a database, a sandbox and a small made-up city.

Everything it starts it ends, and nothing else.  What it keeps lies in one folder; the second start finds it.
"""

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from sandbox.city import City, build_city
from server import app as composition
from server import settings as settings_module
from server.commands import CommandError
from server.core.children import tied_argv
from server.core.mongod import EmbeddedMongod
from server.core.observability import configure_logging
from server.demo_dialects import speak
from server.demo_federation import DemoFederation
from server.demo_hospitals import DemoHospitals
from server.demo_secrets import demo_secrets, write_private
from server.demo_slots import open_hospitals
from server.demo_staff import employ
from server.demo_templates import approve_templates, wechat_fields
from server.demo_upper import DemoUpperCentre

READY_S = 30
STOP_S = 12
WEB_PAGES = Path("miniprogram/dist/build/h5")
CONSOLE_PAGES = Path("console/dist")
# What we share a secret with, and where each is in the sandbox.
SIGNED = {
    name: name.replace("_", "-") for name in ("sms", "real_name", "mobile", "bank", "card_register", "civil")
}


def run(arguments: argparse.Namespace) -> int:
    """Returns when it was told to stop, or raises CommandError when a part fails."""
    demo = Demo(
        Path(arguments.var).resolve(),
        arguments.port,
        arguments.sandbox_port,
        federated=arguments.federation,
        is_below=arguments.upper_centre,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        demo.start()
        demo.announce()
        demo.watch()
    except KeyboardInterrupt:
        print("\nstopping …")
    finally:
        demo.stop()
    return 0


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True)
class Child:
    name: str
    process: "subprocess.Popen[bytes]"
    log: Path


class Demo:
    def __init__(self, var: Path, port: int, sandbox_port: int, *, federated: bool, is_below: bool) -> None:
        self._var = var
        self._federation = DemoFederation(var, port) if federated else None
        self._port = port
        self._sandbox_port = sandbox_port
        self._api = f"http://127.0.0.1:{port}"
        self._sandbox = f"http://127.0.0.1:{sandbox_port}"
        self._city: City = build_city()
        self._hospitals = DemoHospitals(var, self._api, self._sandbox, self._city)
        self._upper = DemoUpperCentre(var, self._sandbox, self._city.centre_id)
        self._is_below = is_below
        self._mongod: EmbeddedMongod | None = None
        self._children: list[Child] = []
        self._staff: list[dict[str, Any]] = []
        self._dialects: dict[str, Any] = {}

    # -- start
    def start(self) -> None:
        _require_free(self._port, "--port")
        _require_free(self._sandbox_port, "--sandbox-port")
        try:
            self._var.mkdir(parents=True, exist_ok=True)
            (self._var / "logs").mkdir(exist_ok=True)
        except OSError as error:
            raise CommandError(
                f"{self._var} cannot be written ({error.strerror}): name another with --var"
            ) from None
        secrets_kept = demo_secrets(self._var)
        mongodb_uri = os.environ.get("MONGODB_URI") or self._start_mongod()
        environment = self._environment(secrets_kept, mongodb_uri)
        if self._federation is not None:
            for federated_port in self._federation.ports:
                _require_free(federated_port, "--port")
            environment = asyncio.run(self._federation.prepare(environment))
        if self._is_below:  # the first centre alone: the second has none above it
            environment |= self._upper.environment()
        platform_key, federation_key = asyncio.run(self._seed(environment, secrets_kept))
        self._write_sandbox_config(secrets_kept, platform_key, federation_key)
        self._launch(
            "sandbox", [sys.executable, "-m", "sandbox", "--config", str(self._var / "sandbox.json")], {}
        )
        self._launch("serve", [sys.executable, "-m", "server", "serve"], environment)
        self._launch("worker", [sys.executable, "-m", "server", "worker"], environment)
        if self._federation is not None:
            for name, command, its_environment in self._federation.children():
                self._launch(name, [sys.executable, "-m", "server", command], its_environment)
            for url in self._federation.urls:
                self._await(f"{url}/health/ready")
        self._await(f"{self._sandbox}/sms/messages?phone=0")
        self._await(f"{self._api}/health/ready")
        self._write_demo_file(secrets_kept, platform_key)

    def _start_mongod(self) -> str:
        self._mongod = EmbeddedMongod(self._var / "mongodb")
        return self._mongod.start()

    def _environment(self, kept: Mapping[str, str], mongodb_uri: str) -> dict[str, str]:
        settings = {
            "ENVIRONMENT": "demo",
            "MONGODB_URI": mongodb_uri,
            "MONGODB_DATABASE": os.environ.get("MONGODB_DATABASE", "ehc_demo"),
            "MASTER_KEY_FILE": str(self._var / "master.key"),
            "HTTP_PORT": str(self._port),
            "CENTRE_ID": self._city.centre_id,
            "CODE_REFRESH_SECONDS": os.environ.get("CODE_REFRESH_SECONDS", "60"),
            "SMS_PER_HOUR": "100",
            "WECHAT_URL": f"{self._sandbox}/wechat",
            "WECHAT_APP_ID": "wx-demo",
            "WECHAT_APP_SECRET": kept["shared_secret"],
            "ALIPAY_GATEWAY_URL": f"{self._sandbox}/alipay/gateway.do",
            "ALIPAY_APP_ID": "2026000000000001",
            "ALIPAY_APP_PRIVATE_KEY_FILE": str(self._var / "alipay-app-private.pem"),
            "ALIPAY_PUBLIC_KEY_FILE": str(self._var / "alipay-public.pem"),
        }
        for name, path in SIGNED.items():
            url, app_id, secret = (f"{name.upper()}_{part}" for part in ("URL", "APP_ID", "SECRET"))
            settings |= {url: f"{self._sandbox}/{path}", app_id: "ehc", secret: kept["shared_secret"]}
        if WEB_PAGES.is_dir():
            settings["WEB_ROOT"] = str(WEB_PAGES.resolve())
        if CONSOLE_PAGES.is_dir():
            settings["CONSOLE_ROOT"] = str(CONSOLE_PAGES.resolve())
        return settings

    async def _seed(self, environment: Mapping[str, str], kept: Mapping[str, str]) -> tuple[str, str]:
        """Admits the hospitals' apps and terminals, employs the staff; returns two of the platform's public
        keys: towards partners, and towards other centres."""
        settings = settings_module.load(**{name.lower(): value for name, value in environment.items()})
        configure_logging("error")
        app = await composition.build(settings)
        try:
            await self._hospitals.admit(app, kept)
            self._dialects = await speak(app, *self._hospitals.first_terminal, kept["shared_secret"])
            self._staff = await employ(app, self._var / "demo-staff.json")
            await open_hospitals(app, self._city, self._sandbox)
            await approve_templates(app)
            _, federation_key = app.seals.federation_key()
            return app.seals.platform_public_key().hex(), federation_key.public.raw.hex()
        finally:
            await app.stop()

    def _write_sandbox_config(self, kept: Mapping[str, str], platform_key: str, federation_key: str) -> None:
        shared = {"app_id": "ehc", "secret": kept["shared_secret"]}
        config = {
            "port": self._sandbox_port,
            "wechat": {
                "app_id": "wx-demo",
                "secret": kept["shared_secret"],
                "templates": wechat_fields(),
            },
            "alipay": {
                "app_id": "2026000000000001",
                "app_public_key_pem": kept["alipay_app_public_pem"],
                "alipay_private_key_pem": kept["alipay_private_pem"],
            },
            **dict.fromkeys(SIGNED, shared),
            **self._hospitals.sandbox_sections(kept, platform_key),
            "upper_centre": self._upper.sandbox_section(federation_key),
            "staff": self._staff,
            **self._city.registers(),
        }
        write_private(self._var / "sandbox.json", json.dumps(config, ensure_ascii=False, indent=1))

    def _write_demo_file(self, kept: Mapping[str, str], platform_key: str) -> None:
        """What clients and tests need to know of this demo: docs/partner-api.md, "The sandbox"."""
        content = {
            "api": self._api,
            "web": f"{self._api}/",
            "console": f"{self._api}/console/",
            "docs": f"{self._api}/docs",
            "sandbox": {
                "hospital": f"{self._sandbox}/hospital/",
                "his": f"{self._sandbox}/his/",
                "sms": f"{self._sandbox}/sms",
                "staff": f"{self._sandbox}/staff",
                "wechat": f"{self._sandbox}/wechat",
                "alipay": f"{self._sandbox}/alipay/gateway.do",
                "real_name": f"{self._sandbox}/real-name",
                "control": f"{self._sandbox}/control",
            },
            **self._hospitals.told(kept, platform_key),
            "upper_centre": self._upper.told(),
            "dialects": self._dialects,
            "residents": self._city.persons(),
            "staff": self._staff,
            **(self._federation.told() if self._federation else {}),
        }
        write_private(self._var / "demo.json", json.dumps(content, ensure_ascii=False, indent=1))

    # -- children
    def _launch(self, name: str, argv: list[str], environment: Mapping[str, str]) -> None:
        log = self._var / "logs" / f"{name}.log"
        inherited = {
            key: os.environ[key] for key in ("PATH", "HOME", "LANG", "EHC_FAILPOINT") if key in os.environ
        }
        with log.open("ab") as output:
            process = subprocess.Popen(  # nosec: our own commands, no shell
                tied_argv(argv),  # so that nothing is left behind when the demo itself is killed
                env={**inherited, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which then ends them in order
            )
        self._children.append(Child(name, process, log))

    def _await(self, url: str) -> None:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            self._require_alive()
            try:
                with urllib.request.urlopen(url, timeout=2):  # nosec: our own loopback address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise CommandError(f"{url} did not answer within {READY_S} s: see the logs in {self._var / 'logs'}")

    def _require_alive(self) -> None:
        for child in self._children:
            if child.process.poll() is not None:
                raise CommandError(f"{child.name} stopped: {_last_line(child.log)} (log: {child.log})")

    def watch(self) -> None:
        while True:
            self._require_alive()
            time.sleep(0.5)

    def stop(self) -> None:
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.terminate()
        for child in self._children:
            try:
                child.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        if self._mongod is not None:
            self._mongod.stop()

    # -- words
    def announce(self) -> None:
        resident = self._city.residents[0]
        pages = f"{self._api}/" if WEB_PAGES.is_dir() else "not built (make run builds them)"
        console = f"{self._api}/console/" if CONSOLE_PAGES.is_dir() else "not built (make run builds them)"
        print(
            f"""
The card centre of {self._city.name} is open.  Everybody in it is made up.

  1. The resident's pages      {pages}
     Be {resident.name}: phone {resident.phone}, ID number {resident.id_no}
  2. The SMS they receive      {self._sandbox}/sms/
  3. The hospital's terminal   {self._sandbox}/hospital/
     Show it the code: by camera, as a picture (a screenshot), or pasted.
     Its own system, where you are the nurse: {self._sandbox}/his/
  4. The staff's pages        {console}
     Names, passwords and codes are at {self._sandbox}/staff/
  5. For programmers           {self._api}/docs   and docs/partner-api.md
{self._federation.announcement() if self._federation else ""}
Data, keys and logs: {self._var} (all of it in demo.json).  Ctrl-C stops it.""",
            flush=True,
        )


def _require_free(port: int, option: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"port {port} is in use: stop what listens there, or choose another with {option}"
            ) from None


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
