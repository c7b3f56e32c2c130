"""`ehc router`: the national router as a process, and the acts of who runs it."""

import argparse
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from pathlib import Path

from handlers.routes import router_application
from server import settings as settings_module
from server.app.router import RouterApp, build_router
from server.commands import CommandError, bound_sockets, serve_until_stopped
from server.core import failpoints
from server.core.audit import Actor
from server.core.crypto.provider import choose_provider
from server.core.crypto.sm2 import InvalidKey, Sm2PrivateKey, parse_private_key_hex, parse_public_key_hex
from server.core.observability import configure_logging
from server.jobs import scheduler
from server.settings import ProcessSettings

BY = Actor("system", "command")
Work = Callable[[RouterApp], Awaitable[None]]


async def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "anchor":
        _make_anchor(Path(_given(arguments, "anchor")))
        return 0
    settings = settings_module.load_router()
    configure_logging(settings.log_level, for_good=True)
    if settings.is_production and failpoints.is_armed():
        raise CommandError("EHC_FAILPOINT is set: it is for tests and refused in production")
    if arguments.action == "serve":
        return await _serve(settings, arguments.reuse_port)
    work = _work(arguments, settings)
    app = await build_router(settings)
    try:
        await work(app)
    finally:
        await app.stop()
    return 0


async def _serve(settings: ProcessSettings, reuse_port: bool) -> int:
    sockets = bound_sockets(settings, reuse_port)
    app = await build_router(settings)
    ticking = scheduler(app.jobs, app.services.metrics)
    ticking.start()
    web = router_application(app.services, settings.proxies)
    await serve_until_stopped(app, app.services.health, web, sockets)
    ticking.shutdown(wait=False)
    return 0


def _work(arguments: argparse.Namespace, settings: ProcessSettings) -> Work:
    """What the action does; everything it needs is read and checked before the database is touched."""
    if arguments.action == "key":
        return _show_key
    if arguments.action == "rotate":
        return lambda app: _rotate(app, timedelta(days=arguments.after_days))
    if arguments.action == "list":
        return _list
    if arguments.action == "audit":
        return _verify_audit
    if arguments.action == "statistics":
        since = _since(arguments.since)
        return lambda app: _statistics(app, since)
    centre_id = _given(arguments, "centre")
    if arguments.action == "admit":
        return _admission(arguments, settings, centre_id)
    if arguments.action == "revoke":
        return lambda app: app.services.federation.register.revoke_key(centre_id, arguments.key_id, BY)
    is_active = arguments.action == "resume"
    return lambda app: app.services.federation.register.set_active(centre_id, is_active, BY)


def _admission(arguments: argparse.Namespace, settings: ProcessSettings, centre_id: str) -> Work:
    url, key = _given(arguments, "url"), parse_public_key_hex(_given(arguments, "key"))
    if settings.is_production and (reason := settings_module.unsafe_url(url)):
        raise CommandError(f"--url is refused in production: {reason}")
    anchor = _read_anchor(Path(_given(arguments, "anchor")))

    async def work(app: RouterApp) -> None:
        certificate = await app.services.federation.register.admit(
            centre_id,
            arguments.name or centre_id,
            url,
            key_id=arguments.key_id,
            public_key=key,
            valid=timedelta(days=arguments.days),
            anchor=anchor,
            by=BY,
        )
        print(f"{centre_id} is admitted with key {certificate.key_id} until {certificate.not_after:%Y-%m-%d}")
        await _show_key(app)
        print(f"ROUTER_ANCHOR={anchor.public.raw.hex()}")

    return work


async def _show_key(app: RouterApp) -> None:
    key_id, key = app.seals.federation_key()
    print(f"ROUTER_KEYS={key_id}:{key.public.raw.hex()}")


async def _rotate(app: RouterApp, after: timedelta) -> None:
    present_id, present = app.seals.federation_key()
    new = await app.keys.rotate("federation", after)
    new_id, key = app.seals.federation_key(new.version)
    print(f"{new_id} takes over at {new.activates_at.isoformat()}; every centre needs both before that:")
    print(f"ROUTER_KEYS={present_id}:{present.public.raw.hex()},{new_id}:{key.public.raw.hex()}")


async def _verify_audit(app: RouterApp) -> None:
    report = await app.verifier.verify()
    for problem in report.problems:
        print(f"PROBLEM {problem}")
    print(f"{report.chains} chains, {report.rows} rows: {'sound' if report.is_sound else 'NOT SOUND'}")
    if not report.is_sound:
        raise CommandError("the router's audit record is not sound")


async def _list(app: RouterApp) -> None:
    for centre in await app.services.federation.register.every():
        state = "active" if centre.is_active else "suspended"
        print(f"{centre.centre_id} {state} {centre.url} {centre.name}")
        for key in centre.keys:
            print(f"    {key.key_id} until {key.not_after:%Y-%m-%d}")


async def _statistics(app: RouterApp, since: date) -> None:
    for row in await app.services.federation.every_route(since):
        print(f"{row.day} {row.asked_by} {row.issuer} {row.outcome} {row.count} {row.took}")


def _since(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else date.min.replace(year=2000)
    except ValueError:
        raise CommandError("--since is a day: YYYY-MM-DD") from None


def _given(arguments: argparse.Namespace, name: str) -> str:
    value = getattr(arguments, name)
    if not value:
        raise CommandError(f"--{name.replace('_', '-')} is missing")
    return str(value)


def _make_anchor(file: Path) -> None:
    """The serving router never reads this file: keep it on another machine, where centres are admitted."""
    pair = choose_provider().generate_key_pair()
    try:
        descriptor = file.open("x", encoding="ascii")
    except OSError as error:
        raise CommandError(f"{file} cannot be made: {error.strerror}") from None
    with descriptor:
        file.chmod(0o600)
        descriptor.write(pair.private.hex() + "\n")
    print(f"made {file} (mode 600)\nROUTER_ANCHOR={pair.public.hex()}")


def _read_anchor(file: Path) -> Sm2PrivateKey:
    try:
        return choose_provider().private_key(parse_private_key_hex(file.read_text("ascii").strip()))
    except (OSError, UnicodeDecodeError, InvalidKey):
        raise CommandError(
            f"{file} holds no anchor key: `ehc router anchor --anchor FILE` makes one"
        ) from None
