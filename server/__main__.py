"""The command `ehc`."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop


def main() -> None:
    """Runs one command; every failure that can be foreseen is one sentence on stderr and exit code 1 or 2."""
    arguments = _parser().parse_args()
    from server import commands

    try:
        result = getattr(commands, arguments.run)(arguments)
        code = _run(result) if asyncio.iscoroutine(result) else result
    except commands.FORESEEN as error:
        print(f"ehc: {commands.explain(error)}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _run(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


Add = Callable[[str, str, str], argparse.ArgumentParser]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ehc", description="The electronic health card platform.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, run: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        return command

    serve = add("serve", "serve", "answer HTTP; run as many of these as there are cores")
    serve.add_argument("--reuse-port", action="store_true", help="share the port with other processes")
    add("worker", "worker", "run the clock: outbox, pending claims, sweeps; any number may run")
    demo = add("demo", "demo", "everything at once, with a database, a sandbox and a small made-up city")
    demo.add_argument("--port", type=int, default=8080, help="port of the API and the web pages")
    demo.add_argument("--sandbox-port", type=int, default=8090, help="port of the sandbox")
    demo.add_argument(
        "--federation", action="store_true", help="with a second centre and the national router"
    )
    demo.add_argument(
        "--upper-centre",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="with a centre above that takes the uses of cards",
    )
    demo.add_argument("--var", default="var", help="folder for data, keys, logs and demo.json")

    keys = add("keys", "keys", "the platform's keys")
    keys.add_argument("action", choices=["new", "list", "rotate", "master"])
    keys.add_argument("what", nargs="?", help="rotate: the purpose; master: the file to make")

    audit = add("audit", "audit", "the audit record")
    audit.add_argument("action", choices=["verify", "heads"])
    audit.add_argument("--heads", help="verify: a file of heads kept outside, as `heads` prints them")

    conformance = add(
        "conformance", "conformance", "try a platform as a hospital's programmer: numbered cases"
    )
    conformance.add_argument("url", nargs="?", help="the platform, as http://127.0.0.1:8080")
    conformance.add_argument(
        "--credentials", default="var/demo.json", help="a JSON file as the demo's: who we are there"
    )
    conformance.add_argument("--json", help="a file for the results")
    conformance.add_argument("--slow", action="store_true", help="also the cases that wait for over a minute")
    conformance.add_argument(
        "--only", action="append", default=[], help="a case, as CONF-051; may come again"
    )
    conformance.add_argument("--list", action="store_true", help="the table of cases, and nothing is asked")

    _add_registers(add)
    _add_federation(add)
    openapi = add("openapi", "openapi", "print the OpenAPI document")
    openapi.add_argument("--check", help="compare with this file instead; exit code 1 when it differs")
    add("settings", "settings_table", "print the table of settings")
    return parser


def _add_registers(add: Add) -> None:
    """Partners, staff, and the index of persons."""
    partners = add("partners", "partners", "the register of institutions, apps and terminals")
    partners.add_argument("action", choices=["add", "keypair", "sign"])
    partners.add_argument("--application", help="sign: the application for admission, a JSON file")
    partners.add_argument("--keypair", help="sign: a file with what `ehc partners keypair` printed")
    partners.add_argument("--app", help="id of the app")
    partners.add_argument("--institution", help="id of the institution")
    partners.add_argument("--name", help="name of the institution, as residents read it")
    partners.add_argument("--key-id", default="k1", help="id of the public key")
    partners.add_argument("--public-key", help="the app's SM2 public key, 130 hex digits")
    partners.add_argument("--scope", action="append", default=[], help="a scope of handlers/scopes.py")
    partners.add_argument(
        "--terminal", action="append", default=[], help="ID:CHANNEL:PLACE, once for each terminal"
    )

    staff = add("staff", "staff", "accounts of the card centre's staff")
    staff.add_argument("action", choices=["add", "invite"])
    staff.add_argument(
        "--login", required=True, help="login name: 3 to 32 of a-z, 0-9, dot, dash, underscore"
    )
    staff.add_argument("--name", help="add: the name to show")
    staff.add_argument(
        "--role", action="append", default=[], help="add: a role of server/staff/roles.py, as system_admin"
    )
    staff.add_argument(
        "--console", default="https://THIS-PLATFORM/console", help="address of the staff pages, for the link"
    )

    usage = add("usage", "usage", "uses of cards that go to the centre above")
    usage.add_argument("action", choices=["send-again"])
    usage.add_argument("--since", required=True, help="first day, YYYY-MM-DD, by UTC")

    persons = add("persons", "persons", "the weights of the person index: make them, judge them")
    persons.add_argument("action", choices=["train", "evaluate"])
    persons.add_argument("rows", help="CSV or Parquet; docs/matching.md names the columns")
    persons.add_argument("--out", default="weights.json", help="train: where the weights are written")
    persons.add_argument("--version", type=int, default=1, help="train: the number of these weights")
    persons.add_argument("--note", help="where the rows are from, kept in the file")
    persons.add_argument("--weights", help="evaluate: these weights instead of the ones that come along")
    persons.add_argument(
        "--record", action="store_true", help="evaluate: keep the figures in the file of weights"
    )
    persons.add_argument("--without-defaults", action="store_true", help="evaluate: ours only")


def _add_federation(add: Add) -> None:
    """The national router, a centre's key towards it, and the check of a hospital's adapter."""
    router = add("router", "router", "the national router: passes scans on between card centres")
    router.add_argument(
        "action",
        nargs="?",
        default="serve",
        choices=[
            *("serve", "key", "rotate", "anchor", "admit", "revoke", "suspend", "resume"),
            *("list", "statistics", "audit"),
        ],
    )
    router.add_argument("--reuse-port", action="store_true", help="serve: share the port with others")
    router.add_argument("--anchor", help="file of the key that signs certificates; `anchor` makes it")
    router.add_argument("--centre", help="EHCAPPID of the centre")
    router.add_argument("--name", help="admit: name of the centre")
    router.add_argument("--url", help="admit: base URL of the centre's API")
    router.add_argument(
        "--key", help="admit: the centre's SM2 public key, as its `ehc federation key` prints"
    )
    router.add_argument("--key-id", default="k1", help="admit, revoke: the key's id")
    router.add_argument("--days", type=int, default=400, help="admit: how long the certificate is good")
    router.add_argument("--after-days", type=int, default=7, help="rotate: when the new key takes over")
    router.add_argument("--since", help="statistics: first day, YYYY-MM-DD")

    his = add("his-conformance", "his_conformance", "judge a hospital's adapter by docs/his-contract.md")
    his.add_argument("url", help="where the adapter answers: what comes before /his/v1")
    his.add_argument("--key", required=True, help="the platform's key: what `ehc partners keypair` printed")
    his.add_argument("--hospital-key", required=True, help="the adapter's SM2 public key, 130 hex digits")
    his.add_argument("--key-id", default="k1", help="what the adapter calls the platform's key")
    his.add_argument("--centre", default="0000A0001", help="the id of the card centre that calls")
    his.add_argument("--case", action="append", default=[], help="this case only; any number of times")
    his.add_argument("--json", help="write the outcomes to this file as well")

    federation = add("federation", "federation", "this centre's key towards the national router")
    federation.add_argument("action", choices=["key", "rotate"])
    federation.add_argument("--after-days", type=int, default=7, help="rotate: when the new key takes over")


if __name__ == "__main__":
    main()
