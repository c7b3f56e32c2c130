"""`python -m sandbox`: runs until told to end, and explains in one sentence why it cannot."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from sandbox.config import ConfigError, load_config, parse_config

ROOT = Path(__file__).parents[3]


def start(config: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "sandbox", "--config", str(config)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def written(folder: Path, value: Any) -> Path:
    path = folder / "sandbox.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return path


def test_it_runs_until_it_is_told_to_end(tmp_path: Path, config: dict[str, Any]) -> None:
    with start(written(tmp_path, config)) as process:
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("sandbox ready on http://127.0.0.1:")
            with urllib.request.urlopen(ready.split()[-1] + "control/sms", timeout=5) as answer:
                assert json.load(answer)["service"] == "sms"
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def test_a_port_in_use_is_one_sentence(tmp_path: Path, config: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start(written(tmp_path, config | {"port": port})) as process:
            _, explained = process.communicate(timeout=20)
    assert process.returncode == 2
    assert explained == f"The sandbox cannot listen on 127.0.0.1:{port}: Address already in use.\n"


def test_a_wrong_file_is_one_sentence(tmp_path: Path) -> None:
    with start(written(tmp_path, "{")) as process:
        _, explained = process.communicate(timeout=20)
    assert process.returncode == 2
    assert explained == "The file sandbox.json is not JSON.\n"


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"wechat": {"app_id": "wx00"}}, "wechat.secret"),
        ({"wechta": {}}, "wechta"),
        ({"port": 70_000}, "port"),
        ({"host": "0.0.0.0"}, "host"),
        ({"persons": [{"name": "何堃"}]}, "persons.0.id_no"),
        ({"hospital": {"api": "ftp://here"}}, "hospital.api"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    config: dict[str, Any], changed: dict[str, Any], where: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(config | changed)
    assert f"wrong at {where}:" in str(refused.value)
    assert "何堃" not in str(refused.value)


def test_persons_may_be_a_file_beside_the_settings(tmp_path: Path, config: dict[str, Any]) -> None:
    (tmp_path / "people.json").write_text(json.dumps(config["persons"]), "utf-8")
    loaded = load_config(written(tmp_path, config | {"persons": "people.json"}))
    assert [person.name for person in loaded.persons] == ["阿卜杜拉·艾力"]
    with pytest.raises(ConfigError, match=r"The file nobody\.json cannot be read"):
        load_config(written(tmp_path, config | {"persons": "nobody.json"}))


def test_a_key_that_is_not_pem_is_refused(config: dict[str, Any]) -> None:
    from sandbox.app import make_app

    alipay = config["alipay"] | {"alipay_private_key_pem": "not a key"}
    with pytest.raises(ConfigError, match="alipay"):
        make_app(config | {"alipay": alipay})
