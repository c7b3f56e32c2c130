"""What each command of `ehc` does."""

import argparse
import asyncio
import base64
import json
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import structlog
from tornado.netutil import bind_sockets
from tornado.web import Application

from handlers import openapi as openapi_document
from handlers.routes import MAX_REQUEST_BYTES, ROUTES, application
from handlers.scopes import SCOPES
from server import app as composition
from server import person_commands, staff_commands, usage_commands
from server import settings as settings_module
from server.app.process import Process
from server.core import failpoints
from server.core.audit import Actor
from server.core.crypto import sm2
from server.core.crypto.keyring import RotationRefused
from server.core.crypto.master_key import MasterKeyError, create_master_key_file
from server.core.crypto.provider import CryptoUnavailable, choose_provider
from server.core.crypto.sealing import SealBroken
from server.core.errors import EhcError
from server.core.garbage import spare_the_collector
from server.core.health import Health
from server.core.listener import Listener
from server.core.mongo import BadDatabaseUri, UnsafeDatabase
from server.core.mongod import MongodMissing
from server.core.mongod_directory import MongodError
from server.core.observability import configure_logging
from server.jobs import scheduler
from server.partners.admission.model import text_to_sign
from server.partners.model import App, Institution, Terminal
from server.settings import ProcessSettings, Settings, SettingsError

log = structlog.get_logger()
DRAIN_S = 10


class CommandError(Exception):
    """One sentence: what is wrong and how to mend it."""


FORESEEN = (
    CommandError,
    SettingsError,
    UnsafeDatabase,
    BadDatabaseUri,
    MasterKeyError,
    CryptoUnavailable,
    SealBroken,
    RotationRefused,
    MongodError,
    MongodMissing,
    EhcError,
    sm2.InvalidKey,
    *person_commands.FORESEEN,
)


def explain(error: Exception) -> str:
    if isinstance(error, SealBroken):
        return (
            "the keys in the database were made with another master key: give the master key this "
            "database was set up with (MASTER_KEY or MASTER_KEY_FILE)"
        )
    if isinstance(error, EhcError):
        hint = (
            ": check that MONGODB_URI is right and MongoDB runs" if error.code.startswith("database.") else ""
        )
        return error.message + hint
    return str(error)


async def _with_app(work: Callable[[composition.App], Awaitable[int]]) -> int:
    app = await composition.build(_settings())
    try:
        return await work(app)
    finally:
        await app.stop()


def _settings() -> Settings:
    settings = settings_module.load()
    configure_logging(settings.log_level, for_good=True)
    if settings.is_production and failpoints.is_armed():
        raise CommandError(
            "EHC_FAILPOINT or EHC_FAILPOINT_RECORD is set: they are for tests and refused in production"
        )
    return settings


async def serve(arguments: argparse.Namespace) -> int:
    settings = _settings()
    sockets = bound_sockets(settings, arguments.reuse_port)
    app = await composition.build(settings)
    web = application(app.services, settings.web_root, settings.proxies, settings.console_root)
    await serve_until_stopped(app, app.services.health, web, sockets)
    return 0


def bound_sockets(settings: ProcessSettings, reuse_port: bool) -> list[socket.socket]:
    """Taken before anything is built, so that a port in use is told of at once."""
    try:
        return bind_sockets(settings.http_port, settings.http_host, reuse_port=reuse_port, backlog=1024)
    except OSError as error:
        raise CommandError(
            f"port {settings.http_port} on {settings.http_host} cannot be used ({error.strerror}): "
            "stop what listens there, or set HTTP_PORT"
        ) from None


async def serve_until_stopped(
    app: Process, health: Health, web: Application, sockets: list[socket.socket]
) -> None:
    """Answers HTTP until SIGTERM or SIGINT, then finishes what it has and stops the process's parts."""
    app.start()
    spare_the_collector()
    server = Listener(web, max_body_size=MAX_REQUEST_BYTES, max_header_size=16_384)
    server.add_sockets(sockets)
    host, port = sockets[0].getsockname()[:2]
    log.info("serving", host=host, port=port)
    await _stop_signal()
    health.is_stopping = True
    server.stop()
    try:
        await asyncio.wait_for(health.drained(), DRAIN_S)
    except TimeoutError:
        log.warning("stopping.undrained")
    await server.close_all_connections()  # this cuts what is under way: nothing is any more
    await app.stop()


async def worker(_: argparse.Namespace) -> int:
    app = await composition.build(_settings())
    app.start()
    ticking = scheduler(app.jobs, app.services.metrics)
    ticking.start()
    log.info("working", jobs=[job.name for job in app.jobs])
    await _stop_signal()
    ticking.shutdown(wait=False)
    await app.stop()
    return 0


async def _stop_signal() -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


def demo(arguments: argparse.Namespace) -> int:
    from server import demo as demo_module  # the one command that may know the sandbox

    return demo_module.run(arguments)


async def router(arguments: argparse.Namespace) -> int:
    from server import router_command  # it shares this module's ways of serving

    return await router_command.run(arguments)


async def his_conformance(arguments: argparse.Namespace) -> int:
    from server import his_command  # it shares this module's errors

    return await his_command.run(arguments)


async def federation(arguments: argparse.Namespace) -> int:
    """The key this centre signs with towards the national router: shown, or a new one made."""

    async def work(app: composition.App) -> int:
        version = None
        if arguments.action == "rotate":
            new = await app.keys.rotate("federation", timedelta(days=arguments.after_days))
            print(f"version {new.version} takes over at {new.activates_at.isoformat()}; until then")
            print("the router has to admit it beside the present one:")
            version = new.version
        key_id, key = app.seals.federation_key(version)
        print(f"--centre {app.settings.centre_id} --key-id {key_id} --key {key.public.raw.hex()}")
        return 0

    return await _with_app(work)


async def keys(arguments: argparse.Namespace) -> int:
    if arguments.action == "master":
        if not arguments.what:
            raise CommandError("name the file to make: ehc keys master FILE")
        create_master_key_file(Path(arguments.what))
        print(f"made {arguments.what} (mode 600): keep a copy of it apart from the database's backups")
        return 0

    async def work(app: composition.App) -> int:
        if arguments.action == "rotate":
            if not arguments.what:
                raise CommandError("name the purpose to rotate; `ehc keys list` shows them")
            try:
                key = await app.keys.rotate(arguments.what)
            except ValueError as error:
                raise CommandError(str(error)) from None
            print(f"{key.purpose} version {key.version} takes over at {key.activates_at.isoformat()}")
            return 0
        for key in await app.keys.list_keys():
            print(f"{key.purpose:16} version {key.version:<4} since {key.activates_at.isoformat()}")
        return 0

    return await _with_app(work)  # building the app makes the first key of every purpose: `new`


async def audit(arguments: argparse.Namespace) -> int:
    outside = _read_heads(Path(arguments.heads)) if arguments.heads else None

    async def work(app: composition.App) -> int:
        if arguments.action == "heads":
            for chain, (seq, head) in (await app.verifier.heads()).items():
                print(f"{chain} {seq} {head}")
            return 0
        report = await app.verifier.verify(outside)
        for problem in report.problems:
            print(f"PROBLEM {problem}")
        print(
            f"{report.chains} chains, {report.batches} batches, {report.rows} rows, "
            f"{report.torn_tails} torn by crashes: {'sound' if report.is_sound else 'NOT SOUND'}"
        )
        return 0 if report.is_sound else 1

    return await _with_app(work)


def _read_heads(path: Path) -> dict[str, tuple[int, str]]:
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
        return {chain: (int(seq), head) for chain, seq, head in lines}
    except (OSError, ValueError):
        raise CommandError(f"{path} is not a file of heads as `ehc audit heads` prints them") from None


async def partners(arguments: argparse.Namespace) -> int:
    if arguments.action == "keypair":
        pair = choose_provider().generate_key_pair()
        print(json.dumps({"private_key_hex": pair.private.hex(), "public_key_hex": pair.public.hex()}))
        return 0
    if arguments.action == "sign":
        print(json.dumps(_signed_application(arguments.application, arguments.keypair), ensure_ascii=False))
        return 0
    for name in ("app", "institution", "name", "public_key"):
        if not getattr(arguments, name):
            raise CommandError(f"--{name.replace('_', '-')} is missing")
    scopes = arguments.scope or ["verification"]
    if unknown := [scope for scope in scopes if scope not in SCOPES]:
        raise CommandError(f"there is no scope {unknown[0]}; there are: {', '.join(SCOPES)}")
    partner = App(
        app_id=arguments.app,
        institution=Institution(arguments.institution, arguments.name),
        is_active=True,
        scopes=frozenset(scopes),
        public_keys={arguments.key_id: sm2.parse_public_key_hex(arguments.public_key)},
    )
    terminals = [_terminal(arguments.app, text) for text in arguments.terminal]

    async def work(app: composition.App) -> int:
        await app.services.partner_register.admit(partner, terminals, Actor("system", "command"))
        public = app.seals.platform_public_key().hex()
        print(f"{partner.app_id} is admitted with {len(terminals)} terminals; our public key: {public}")
        return 0

    return await _with_app(work)


async def staff(arguments: argparse.Namespace) -> int:
    return await _with_app(lambda app: staff_commands.run(app, arguments))


async def usage(arguments: argparse.Namespace) -> int:
    return await _with_app(lambda app: usage_commands.run(app, arguments))


def _signed_application(application: str | None, keypair: str | None) -> dict[str, object]:
    """The application in a file, with the public key of the pair and its signature."""
    if not application or not keypair:
        raise CommandError("name both files: ehc partners sign --application FILE --keypair FILE")
    try:
        form, pair = json.loads(Path(application).read_text("utf-8")), json.loads(Path(keypair).read_text())
        key = choose_provider().private_key(bytes.fromhex(pair["private_key_hex"]))
        public = key.public.raw.hex()
        text = text_to_sign(form["app_id"], form["institution"]["code"], form["key_id"], public)
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(
            "the application needs app_id, institution.code and key_id; the key pair is what "
            "`ehc partners keypair` prints"
        ) from None
    return {**form, "public_key_hex": public, "signature": base64.b64encode(key.sign(text)).decode()}


def _terminal(app_id: str, text: str) -> Terminal:
    terminal_id, _, rest = text.partition(":")
    channel, _, place = rest.partition(":")
    if not (terminal_id and channel and place):
        raise CommandError("a terminal is written ID:CHANNEL:PLACE, for example T-0001:0100:Window 3")
    return Terminal(terminal_id, app_id, place, channel, True)


def persons(arguments: argparse.Namespace) -> int:
    return person_commands.persons(arguments)


def openapi(arguments: argparse.Namespace) -> int:
    text = openapi_document.as_json(ROUTES)
    if not arguments.check:
        sys.stdout.write(text)
        return 0
    if Path(arguments.check).read_text() == text:
        return 0
    raise CommandError(f"{arguments.check} is not what the routes are: run `ehc openapi > {arguments.check}`")


def settings_table(_: argparse.Namespace) -> int:
    sys.stdout.write(settings_module.as_markdown())
    return 0


async def conformance(arguments: argparse.Namespace) -> int:
    from server import conformance_command  # a client: no process of the platform needs it
    from server.conformance.credentials import CredentialsUnusable

    try:
        return await conformance_command.run(arguments)
    except CredentialsUnusable as error:
        raise CommandError(str(error)) from None
