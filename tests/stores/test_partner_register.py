"""The register of apps and terminals: what an admission may not do."""

import pytest

from server.core.errors import Conflict
from tests.harness import APP_ID, TERMINAL_ID, Platform


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=30)
async def test_a_terminal_stays_with_its_app(platform: Platform) -> None:
    with pytest.raises(Conflict) as refused:
        await platform.admit(app_id="hospital-b-his", terminal_id=TERMINAL_ID)
    assert refused.value.code == "terminal.taken"
    session = await platform.partner(APP_ID).open_session(TERMINAL_ID)
    assert session.session_id


@pytest.mark.feature("V4")
@pytest.mark.gen_test(timeout=30)
async def test_admitting_an_app_again_changes_nothing_for_its_terminals(platform: Platform) -> None:
    await platform.admit()
    session = await platform.partner().open_session(TERMINAL_ID)
    assert session.session_id
