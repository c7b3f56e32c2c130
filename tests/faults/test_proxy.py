"""The fault harness itself: a proxy that cuts the right reply, a runner that leaves nothing behind."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, PyMongoError
from pymongo.uri_parser import parse_uri

from tests.conftest_mongod import RunningMongod
from tests.faults.processes import Processes, http_ready, wait_until
from tests.faults.proxy import MongoProxy
from tests.faults.wire import Command, is_command, parse_command

pytestmark = pytest.mark.faults


@pytest.fixture
def proxy(mongod: RunningMongod) -> Iterator[MongoProxy]:
    host, port = parse_uri(mongod.uri)["nodelist"][0]
    with MongoProxy(host, port) as proxy:
        yield proxy


def connect(proxy: MongoProxy, **options: Any) -> MongoClient[dict[str, Any]]:
    return MongoClient(proxy.uri, serverSelectionTimeoutMS=3000, **options)


def test_it_forwards_and_records_every_command(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy) as client:
        cards = client[database_name].things
        cards.insert_many([{"_id": n} for n in range(300)])
        assert [card["_id"] for card in cards.find(batch_size=100).sort("_id")] == list(range(300))
    asked = [(name, collection) for name, collection in proxy.seen if collection == "things"]
    assert asked == [("insert", "things"), ("find", "things"), *[("getMore", "things")] * 3]
    assert proxy.count("insert", "things") == 1
    inserted = next(command for command in proxy.commands if command.name == "insert")
    assert inserted.database == database_name
    assert len(inserted.body["documents"]) == 300


def test_an_applied_insert_loses_only_its_acknowledgement(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy, retryWrites=False) as client:
        cards = client[database_name].things
        cut = proxy.drop_reply_after(is_command("insert", "things"))
        client[database_name].others.insert_one({"_id": 1})
        assert not cut.is_done
        with pytest.raises(AutoReconnect):
            cards.insert_one({"_id": 1})
        assert cut.is_done
        assert cards.count_documents({"_id": 1}) == 1
        cards.insert_one({"_id": 2})


def test_a_retried_write_after_a_lost_acknowledgement_is_applied_once(
    proxy: MongoProxy, database_name: str
) -> None:
    with connect(proxy) as client:
        cards = client[database_name].things
        cards.insert_one({"_id": 1, "uses": 0})
        proxy.drop_reply_after(is_command("update", "things"))
        cards.update_one({"_id": 1}, {"$inc": {"uses": 1}})
        assert cards.find_one() == {"_id": 1, "uses": 1}
    assert proxy.count("update", "things") == 2


def test_a_command_cut_before_the_server_is_not_applied(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy, retryWrites=False) as client:
        cards = client[database_name].things
        cut = proxy.drop_before(is_command("insert", "things"))
        with pytest.raises(AutoReconnect):
            cards.insert_one({"_id": 1})
        assert cut.is_done
        assert cards.count_documents({}) == 0


def test_a_commit_can_lose_its_acknowledgement(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy) as client:
        cards = client[database_name].things
        cut = proxy.drop_reply_after(is_command("commitTransaction"))
        with client.start_session() as session, session.start_transaction():
            cards.insert_one({"_id": 1}, session=session)
        assert cut.is_done
        assert cards.count_documents({}) == 1


def test_the_nth_command_is_counted_from_now(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy, retryReads=False) as client:
        cards = client[database_name].things
        cards.find_one()
        before = proxy.count("find", "things")
        proxy.drop_reply_after(is_command("find", "things"), times=2)
        for _ in range(2):
            with pytest.raises(AutoReconnect):
                cards.find_one()
        assert cards.find_one() is None
        assert proxy.count("find", "things") == before + 3
    cut = proxy.drop_reply_after(1)
    with connect(proxy) as client:
        assert client.admin.command("ping")["ok"] == 1.0
    assert cut.is_done


def test_a_partition_holds_everything_back_until_it_heals(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy, retryWrites=False) as client:
        cards = client[database_name].things
        cards.insert_one({"_id": 1})
        proxy.partition()
        insert = threading.Thread(target=cards.insert_one, args=[{"_id": 2}])
        insert.start()
        wait_until(lambda: proxy.count("insert", "things") == 2, 5)
        assert insert.is_alive()
        proxy.heal()
        insert.join(10)
        assert not insert.is_alive()
        assert cards.count_documents({}) == 2


def test_a_partition_of_one_way_only_lets_the_write_through(
    proxy: MongoProxy, database_name: str, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    behind = mongo_client[database_name].things
    with connect(proxy, retryWrites=False, socketTimeoutMS=500) as client:
        client.admin.command("ping")
        proxy.partition(to_server=False)
        with pytest.raises(PyMongoError):
            client[database_name].things.insert_one({"_id": 1})
        assert behind.count_documents({}) == 1
        proxy.heal()


def test_a_cut_refuses_until_it_heals(proxy: MongoProxy, database_name: str) -> None:
    with connect(proxy, retryReads=False) as client:
        client.admin.command("ping")
        proxy.cut()
        with pytest.raises(PyMongoError):
            client.admin.command("ping")
        proxy.heal()
        assert client.admin.command("ping")["ok"] == 1.0


def test_a_delay_holds_each_reply(proxy: MongoProxy) -> None:
    with connect(proxy, socketTimeoutMS=200) as client:
        client.admin.command("ping")
        proxy.delay(to_client_s=1.0)
        with pytest.raises(PyMongoError):
            client.admin.command("ping")
        proxy.delay()
        assert client.admin.command("ping")["ok"] == 1.0


def test_a_callback_that_objects_fails_the_test(mongod: RunningMongod, database_name: str) -> None:
    def no_operators(command: Command) -> None:
        if command.name == "find":
            assert "$" not in str(command.body["filter"]), "an operator reached the database"

    host, port = parse_uri(mongod.uri)["nodelist"][0]
    with (
        pytest.raises(AssertionError, match="an operator reached"),
        MongoProxy(host, port, no_operators) as proxy,
        connect(proxy, retryReads=False) as client,
    ):
        client[database_name].things.find_one({"_id": 1})
        with pytest.raises(AutoReconnect):
            client[database_name].things.find_one({"_id": {"$gt": ""}})


def test_a_server_that_is_down_looks_down() -> None:
    with (
        MongoProxy("127.0.0.1", 1) as dead,
        MongoClient[Any](dead.uri, serverSelectionTimeoutMS=300) as client,
        pytest.raises(PyMongoError),
    ):
        client.admin.command("ping")


def test_a_checksummed_message_is_read_and_a_compressed_one_is_refused() -> None:
    body = {"insert": "things", "$db": "x"}
    document = bson.encode({"_id": 1})
    sequence = (4 + len(b"documents\0") + len(document)).to_bytes(4, "little") + b"documents\0" + document
    payload = (3).to_bytes(4, "little") + b"\0" + bson.encode(body) + b"\1" + sequence + b"CRC!"
    command = parse_command(2013, payload)
    assert command == Command("insert", "things", "x", {**body, "documents": [{"_id": 1}]}, False)
    with pytest.raises(ValueError, match="2012"):
        parse_command(2012, payload)


def test_a_child_is_awaited_killed_restarted_and_never_left(tmp_path: Path) -> None:
    server = "import http.server, os; print('life', os.environ['LIFE'], flush=True);"
    server += "s = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler);"
    server += "open('port', 'w').write(str(s.server_port)); s.serve_forever()"
    argv = [sys.executable, "-c", f"import os; os.chdir({str(tmp_path)!r}); {server}"]
    port_file = tmp_path / "port"

    def ready() -> bool:
        return port_file.exists() and http_ready(f"http://127.0.0.1:{port_file.read_text()}/")()

    with Processes(tmp_path) as processes:
        child = processes.start("web", argv, {"LIFE": "one"}, ready=ready)
        first_pid = child.pid
        child.kill()
        assert child.returncode == -9
        port_file.unlink()
        child.restart()
        assert child.pid != first_pid
        assert child.log_text().count("life one") == 2
        assert child.terminate() == -15
        port_file.unlink()
        child.start()
    assert not child.is_running


def test_a_child_that_ends_early_shows_its_log(tmp_path: Path) -> None:
    with (
        Processes(tmp_path) as processes,
        pytest.raises(AssertionError, match=r"broken is not ready: it ended with 7\nno such setting"),
    ):
        program = "import sys; print('no such setting', flush=True); sys.exit(7)"
        processes.start("broken", [sys.executable, "-c", program], ready=lambda: False)


def test_a_child_that_never_gets_ready_is_killed(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        with pytest.raises(AssertionError, match=r"did not come within 0\.2 s"):
            processes.start("stuck", ["sleep", "60"], ready=lambda: False, ready_timeout_s=0.2)
        assert [child.returncode for child in processes.children] == [-9]
