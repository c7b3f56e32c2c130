"""`python -m sandbox --config FILE`: all stand-ins in one process, until it is told to end."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from sandbox.app import MAX_BODY_BYTES, make_app
from sandbox.config import ConfigError, SandboxConfig, load_config


def main() -> int:
    """The exit status: 0 when told to end, 2 with one sentence for settings or a port that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="Stand-ins for the outside world.")
    parser.add_argument("--config", type=Path, required=True, help="the settings, a JSON file")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    try:
        asyncio.run(_serve(load_config(arguments.config)))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(config: SandboxConfig) -> None:
    app = make_app(config)
    try:
        sockets = bind_sockets(config.port, config.host)
    except OSError as error:
        reason = error.strerror or "it cannot be used"
        raise ConfigError(f"The sandbox cannot listen on {config.host}:{config.port}: {reason}.") from None
    server = HTTPServer(app, max_buffer_size=MAX_BODY_BYTES, max_body_size=MAX_BODY_BYTES)
    server.add_sockets(sockets)
    port = sockets[0].getsockname()[1]
    sys.stdout.write(f"sandbox ready on http://{config.host}:{port}/\n")
    sys.stdout.flush()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await ended.wait()
    server.stop()
    await server.close_all_connections()


if __name__ == "__main__":
    sys.exit(main())
