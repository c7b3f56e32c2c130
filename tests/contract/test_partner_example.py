"""The examples of docs/partner-api.md, run as a hospital runs them: another process, no code of ours."""

import asyncio
import base64
import importlib.util
import json
import os
import shutil
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest

from server.core.clock import HeldClock
from tests.dialect_clients import EHC_SECRET, HOSPITAL_ID, TENCENT_SECRET, switch_on
from tests.harness import APP_ID, CITY, PAIR, TERMINAL_ID, Platform

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"


@pytest.fixture
def clock() -> HeldClock:
    """The examples read the time of day, so the platform stands at it."""
    return HeldClock(datetime.now(UTC))


DIALECTS = {
    "ehc": {
        "app_id": APP_ID,
        "app_secret": EHC_SECRET,
        "terminal_id": TERMINAL_ID,
        "digest_rule": "plaintext",
        "encoding": "hex",
        "success_code": "10",
    },
    "tencent": {
        "app_id": APP_ID,
        "app_secret": TENCENT_SECRET,
        "terminal_id": TERMINAL_ID,
        "hospital_id": HOSPITAL_ID,
    },
}


@dataclass(frozen=True)
class Ran:
    status: int
    output: str
    complaint: str


def demo_file(platform: Platform, folder: Path, **other: str) -> Path:
    """What `ehc demo` would have written of this platform."""
    partner = {
        "app_id": APP_ID,
        "key_id": "k1",
        "private_key_hex": PAIR.private.hex(),
        "public_key_hex": PAIR.public.hex(),
        "platform_public_key_hex": platform.app.seals.platform_public_key().hex(),
        "terminal_id": TERMINAL_ID,
        **other,
    }
    demo = {
        "api": platform.http.base,
        "sandbox": {"sms": f"{platform.sandbox_url}/sms"},
        "partner": partner,
        "dialects": DIALECTS,
        "residents": CITY.persons(),
    }
    file = folder / "demo.json"
    file.write_text(json.dumps(demo, ensure_ascii=False, indent=1))
    return file


async def start(program: str, *arguments: str, given: str = "") -> Ran:
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"},
    )
    output, complaint = await asyncio.wait_for(process.communicate(given.encode()), 20)
    assert process.returncode is not None
    return Ran(process.returncode, output.decode(), complaint.decode())


async def run(example: str, platform: Platform, folder: Path, given: str = "", **other: str) -> Ran:
    """One example, as its own process, with a demo.json of its own."""
    demo = demo_file(platform, folder, **other)
    return await start(sys.executable, str(EXAMPLES / example), "--demo", str(demo), given=given)


@pytest.mark.feature("V1", "V4")
@pytest.mark.gen_test(timeout=40)
async def test_the_example_verifies_a_scan(platform: Platform, tmp_path: Path) -> None:
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    code = await platform.code(token, card_id)

    first = await run("verify_scan.py", platform, tmp_path, code + "\n")
    assert first.status == 0, first.complaint
    assert first.output.startswith(f"{resident.name}  ")
    assert card_id in first.output
    assert resident.id_no not in first.output

    again = await run("verify_scan.py", platform, tmp_path, code + "\n")
    assert (again.status, again.output) == (1, "")
    assert again.complaint.startswith("refused: 409 code.already_used")


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=40)
async def test_the_example_believes_only_the_platform(platform: Platform, tmp_path: Path) -> None:
    token, card_id = await platform.holder(platform.residents[0])
    code = await platform.code(token, card_id)
    ran = await run("verify_scan.py", platform, tmp_path, code, platform_public_key_hex=PAIR.public.hex())
    assert (ran.status, ran.output) == (1, "")
    assert "ReplyNotProven: the signature is not the platform's" in ran.complaint


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=40)
async def test_the_example_is_refused_under_another_key(platform: Platform, tmp_path: Path) -> None:
    ran = await run("verify_scan.py", platform, tmp_path, "any", key_id="k2")
    assert ran.status == 1
    assert ran.complaint.startswith("refused: 401 partner.unauthenticated")


@pytest.mark.feature("V1", "V4")
@pytest.mark.gen_test(timeout=60)
async def test_the_terminal_example_verifies_in_one_session(platform: Platform, tmp_path: Path) -> None:
    codes, names = [], []
    for resident in platform.residents[:3]:
        token, card_id = await platform.holder(resident)
        codes.append(await platform.code(token, card_id))
        names.append(resident.name)
    ran = await run("terminal_session.py", platform, tmp_path, "\n".join([*codes, "not a code"]))
    assert ran.output.splitlines() == [*names, "code.malformed"], ran.complaint
    assert ran.status == 1


@pytest.mark.feature("C1", "V1", "V4")
@pytest.mark.gen_test(timeout=40)
async def test_a_made_up_resident_hands_a_code_to_the_hospital(platform: Platform, tmp_path: Path) -> None:
    code = await run("resident_code.py", platform, tmp_path)
    assert code.status == 0, code.complaint
    scan = await run("verify_scan.py", platform, tmp_path, code.output)
    assert scan.output.startswith(f"{CITY.residents[0].name}  "), scan.complaint


@pytest.mark.feature("V1", "V4")
@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("openssl") is None or ssl.OPENSSL_VERSION_INFO < (3,),
    reason="needs curl and OpenSSL 3",
)
@pytest.mark.gen_test(timeout=40)
async def test_curl_and_openssl_are_enough(platform: Platform, tmp_path: Path) -> None:
    token, card_id = await platform.holder(platform.residents[1])
    code = await platform.code(token, card_id)
    script, demo = str(EXAMPLES / "verify_scan.sh"), str(demo_file(platform, tmp_path))
    ran = await start("sh", script, code, demo)
    assert ran.status == 0, ran.complaint
    assert ran.output.startswith("Verified OK\n200\n")
    assert platform.residents[1].name in ran.output

    demo = str(demo_file(platform, tmp_path, platform_public_key_hex=PAIR.public.hex()))
    doubted = await start("sh", script, code, demo)
    assert doubted.status != 0
    assert "Verified OK" not in doubted.output


@pytest.mark.feature("C2", "V4")
@pytest.mark.gen_test(timeout=40)
async def test_the_example_gives_out_a_card(platform: Platform, tmp_path: Path) -> None:
    await platform.admit(scopes=("verification", "cards.issue"))
    first = await run("issue_card.py", platform, tmp_path)
    assert first.output.startswith("new: card "), first.complaint
    again = await run("issue_card.py", platform, tmp_path)
    assert again.output.startswith("there already: card ")
    assert again.output.split()[-1] == first.output.split()[-1]


@pytest.mark.feature("C2", "V4")
@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("openssl") is None or ssl.OPENSSL_VERSION_INFO < (3,),
    reason="needs curl and OpenSSL 3",
)
@pytest.mark.gen_test(timeout=40)
async def test_curl_gives_out_a_card(platform: Platform, tmp_path: Path) -> None:
    await platform.admit(scopes=("verification", "cards.issue"))
    resident = platform.residents[0]
    body = {
        "name": resident.name,
        "id_type": "01",
        "id_no": resident.id_no,
        "phone": resident.phone,
        "terminal_id": TERMINAL_ID,
        "reading": {"how": "device"},
        "face_to_face": {"clerk_id": "c-0042"},
    }
    file = tmp_path / "card.json"
    file.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
    script, demo = str(EXAMPLES / "verify_scan.sh"), str(demo_file(platform, tmp_path))
    variables = (f"BODY={file}", "TARGET=/partner/v1/cards")
    ran = await start("env", *variables, "sh", script, "-", demo)
    assert ran.output.startswith("Verified OK\n201\n"), ran.complaint


@pytest.mark.feature("V6")
@pytest.mark.parametrize("dialect", ["ehc", "tencent"])
@pytest.mark.gen_test(timeout=60)
async def test_the_examples_of_the_dialects_verify_a_scan(
    platform: Platform, tmp_path: Path, dialect: str
) -> None:
    await switch_on(platform, dialect)
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    code = await platform.code(token, card_id)
    first = await run(f"{dialect}_verify.py", platform, tmp_path, code + "\n")
    assert first.output.startswith(f"{resident.name}  "), first.complaint
    again = await run(f"{dialect}_verify.py", platform, tmp_path, code + "\n")
    assert again.complaint.startswith("refused: code.already_used")


@pytest.mark.feature("V6")
@pytest.mark.parametrize("dialect", ["ehc", "tencent"])
@pytest.mark.skipif(
    shutil.which("curl") is None or shutil.which("openssl") is None or ssl.OPENSSL_VERSION_INFO < (3,),
    reason="needs curl and OpenSSL 3",
)
@pytest.mark.gen_test(timeout=60)
async def test_curl_speaks_the_dialects(platform: Platform, tmp_path: Path, dialect: str) -> None:
    await switch_on(platform, dialect)
    resident = platform.residents[0]
    token, card_id = await platform.holder(resident)
    script, demo = str(EXAMPLES / f"{dialect}_verify.sh"), str(demo_file(platform, tmp_path))
    ran = await start("sh", script, await platform.code(token, card_id), demo)
    assert (ran.status, resident.name in ran.output) == (0, True), (ran.output, ran.complaint)
    refused = await start("sh", script, "x", demo)
    assert refused.status == 1 and "code.malformed" in refused.output


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_scan", EXAMPLES / "verify_scan.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_scan"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.feature("V4")
def test_the_example_signs_what_the_known_answers_sign() -> None:
    example = load_example()
    known = json.loads((ROOT / "tests" / "vectors.json").read_text("utf-8"))
    sm2, query = known["partner_sm2"], known["partner_hmac"]
    url = "https://card-centre.example/partner/v1/verifications"
    lines = sm2["string_to_sign"].split("\n")
    text = example.string_to_sign("POST", url, sm2["body"].encode(), *lines[4:8])
    assert text.decode() == sm2["string_to_sign"]
    assert example.canonical_query(query["raw_query"]) == query["canonical_query"]
    signature = base64.b64decode(sm2["signature_base64"])
    assert example.sm2_verify(sm2["public_key"], text, signature)
    assert not example.sm2_verify(sm2["public_key"], text + b"\n", signature)
